using Distributed.Engine.Model;
using Distributed.Ports;

namespace Distributed.Engine.Training;

/// <summary>How training sequences become rows of a forward pass.</summary>
internal static class SequenceRows
{
    /// <summary>Rows that are put into one pass: enough to use each weight many times, few enough to stay in the near caches.</summary>
    public const int PerPass = 256;

    /// <summary>Rows a sequence needs: tokens after the last target's predecessor predict nothing.</summary>
    public static int Of(TrainSequence sequence) => sequence.Targets.IsEmpty ? 0 : sequence.Targets.Span[^1];

    /// <summary>Adds a sequence that has targets.</summary>
    public static void Add(RowPlan plan, TrainSequence sequence)
    {
        var start = plan.AddTrunk(sequence.Tokens.Span[..Of(sequence)]);
        foreach (var target in sequence.Targets.Span)
            plan.Activate(start + target - 1);
    }

    /// <summary>What is wrong with the sequences, or null.</summary>
    public static string? Complaint(IReadOnlyList<TrainSequence> sequences, ModelConfig config, int contextLength)
    {
        for (var i = 0; i < sequences.Count; i++)
        {
            var tokens = sequences[i].Tokens.Span;
            if (tokens.Length > contextLength)
                return $"Sequence {i} has {tokens.Length} tokens; the context holds {contextLength}.";
            foreach (var token in tokens)
                if ((uint)token >= (uint)config.VocabularySize)
                    return $"Sequence {i} has the token {token}; the vocabulary has {config.VocabularySize}.";
            var before = 0;
            foreach (var target in sequences[i].Targets.Span)
            {
                if (target <= before || target >= tokens.Length)
                    return $"Sequence {i} has the target {target}; targets must ascend between 1 and {tokens.Length - 1}.";
                before = target;
            }
        }

        return null;
    }
}
