using Distributed.Ports;

namespace Distributed.Engine.Generation;

/// <summary>Runs single positions of many sequences through a model together, each at its own position of its own sequence.</summary>
internal interface IStepBatch : IDisposable
{
    /// <summary>Most rows of a run.</summary>
    int MaxRows { get; }

    /// <summary>Begins a new batch.</summary>
    void Clear();

    /// <summary>Adds the next uncached positions of a sequence, which has pages for them; optionally asks for the logits of the last.</summary>
    void Add(SequenceCache sequence, int count, bool wantsLogits);

    /// <summary>Tells how the token after the rows that were added last, whose logits are wanted, will be drawn; for batches that draw themselves.</summary>
    void WillDraw(SamplingOptions sampling, double uniform)
    {
    }

    /// <summary>Works out all rows: their keys and values are in the pages afterwards, and the logits can be read.</summary>
    void Run();

    /// <summary>Logits of the n-th row that wanted them.</summary>
    ReadOnlySpan<float> Logits(int index);

    /// <summary>The token that the batch drew after the n-th row that wanted logits; null if it leaves that to others, who then read the logits.</summary>
    Draw? Drawn(int index) => null;
}
