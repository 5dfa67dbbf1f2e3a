using Distributed.Engine.Model;

namespace Distributed.Engine.Scoring;

/// <summary>One thread's memory for forward passes without a backward pass.</summary>
internal sealed class ForwardWorker(PackedModel model) : IDisposable
{
    public RowPlan Plan { get; } = new();

    public Activations Activations { get; } = new(model.Config, keepAll: false);

    public HeadPass Head { get; } = new(model);

    /// <summary>The targets of a pass, ascending by active row.</summary>
    public List<RowTarget> Targets { get; } = [];

    public float[] LogProbs { get; private set; } = [];

    /// <summary>Runs the sealed plan; <see cref="LogProbs"/> then holds one value per target.</summary>
    public unsafe void Run()
    {
        if (LogProbs.Length < Targets.Count)
            LogProbs = new float[Math.Max(Targets.Count, LogProbs.Length * 2)];
        Decoder.Forward(model, Plan, Activations);
        Head.LogProbs(
            Activations.Final, Plan.ActiveCount, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(Targets), LogProbs);
    }

    /// <summary>Runs the sealed plan up to the hidden states of its active rows.</summary>
    public void RunToHidden() => Decoder.Forward(model, Plan, Activations);

    public void Dispose()
    {
        Activations.Dispose();
        Head.Dispose();
    }
}
