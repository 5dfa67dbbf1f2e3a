using Distributed.Ports;

namespace Distributed.Engine.Hosting;

/// <summary>Something the engine thread does while no token is being sampled.</summary>
internal abstract record EngineWork
{
    private EngineWork() { }

    /// <summary>Answers the request with an error instead of doing it.</summary>
    public abstract void Refuse(EngineError error);

    /// <summary>Whether it changes the weights, so that no turn may be under way.</summary>
    public virtual bool ChangesWeights => false;

    public sealed record Score(ScoreRequest Request, Action<ScoreReply> Reply) : EngineWork
    {
        public override void Refuse(EngineError error) => Reply(new ScoreReply(default, 0, error));
    }

    public sealed record LogProbs(IReadOnlyList<TrainSequence> Sequences, Action<LogProbsReply> Reply) : EngineWork
    {
        public override void Refuse(EngineError error) => Reply(new LogProbsReply([], error));
    }

    public sealed record Train(TrainRequest Request, Action<TrainReply> Reply) : EngineWork
    {
        public override bool ChangesWeights => true;

        public override void Refuse(EngineError error) => Reply(new TrainReply(false, 0, 0, 0, [], error));
    }

    public sealed record LoadWeights(long Version, ReadOnlyMemory<byte> Weights, Action<EngineError?> Reply) : EngineWork
    {
        public override bool ChangesWeights => true;

        public override void Refuse(EngineError error) => Reply(error);
    }

    public sealed record ReadWeights(Action<ReadOnlyMemory<byte>, EngineError?> Reply) : EngineWork
    {
        public override void Refuse(EngineError error) => Reply(default, error);
    }

    public sealed record ReadOptimizer(Action<OptimizerState?, EngineError?> Reply) : EngineWork
    {
        public override void Refuse(EngineError error) => Reply(null, error);
    }

    public sealed record LoadOptimizer(OptimizerState? State, Action<EngineError?> Reply) : EngineWork
    {
        public override void Refuse(EngineError error) => Reply(error);
    }
}
