using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Scoring;
using Distributed.Engine.Training;
using Distributed.Ports;

namespace Distributed.Engine.Hosting;

/// <summary>The model and everything that computes on it but sampling. Used by the engine's thread alone, except for the counters.</summary>
internal sealed class EngineCore : IEngineCore
{
    private readonly LoadedModel _loaded;
    private readonly BranchScorer _branches;
    private readonly SequenceScorer _sequences;
    private readonly WorkClock _clock = new();
    private Trainer? _trainer;

    /// <summary>Takes the model over.</summary>
    public EngineCore(LoadedModel loaded, int threads)
    {
        _loaded = loaded;
        Model = loaded.Packed;
        Pool = new ComputePool(threads);
        _branches = new BranchScorer(Model, Pool);
        _sequences = new SequenceScorer(Model, Pool);
    }

    public PackedModel Model { get; }

    public ComputePool Pool { get; }

    // The trainer's memory is three times the weights' and more, so an engine that never trains does without it.
    private Trainer Trainer => _trainer ??= new Trainer(Model, Pool, Trained);

    private ITrainedParameters Trained => _loaded.Trained
        ?? throw new InvalidOperationException("The weights are kept as bfloat16, which is not trained, replaced or read back; use float32, or put an adapter on them.");

    public void Measure(WorkKind kind, Action work) => _clock.Measure(kind, work);

    public void Run(Action<int> work) => Pool.Run(work);

    public ScoreReply[] Score(IReadOnlyList<ScoreRequest> requests, long version)
    {
        var replies = _branches.Score(requests, version);
        _clock.Scored(requests.Sum(request => request.Tokens.Length + request.Branches.Sum(branch => (long)branch.Tokens.Length)));
        return replies;
    }

    public LogProbsReply LogProbs(IReadOnlyList<TrainSequence> sequences)
    {
        var reply = _sequences.LogProbs(sequences);
        _clock.Scored(sequences.Sum(sequence => (long)sequence.Tokens.Length));
        return reply;
    }

    public HiddenStatesReply HiddenStates(IReadOnlyList<TrainSequence> sequences)
    {
        var reply = _sequences.HiddenStates(sequences);
        _clock.Scored(sequences.Sum(sequence => (long)sequence.Tokens.Length));
        return reply;
    }

    public TrainReply Train(TrainRequest request)
    {
        var reply = Trainer.Step(request);
        if (reply.Applied)
            _clock.Trained(request.Sequences.Sum(sequence => (long)sequence.Tokens.Length));
        return reply;
    }

    public EngineError? LoadWeights(ReadOnlySpan<byte> weights)
    {
        try
        {
            Trained.Flat.CopyFrom(weights);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            return new EngineError(error.Message.ReplaceLineEndings(" "));
        }

        Pool.Run(thread =>
        {
            for (var part = thread; part < Trained.PartCount; part += Pool.Threads)
                Trained.RepackPart(part);
        });
        return null;
    }

    public ReadOnlyMemory<byte> ReadWeights()
    {
        var bytes = new byte[Trained.Flat.ByteCount];
        Trained.Flat.CopyTo(bytes);
        return bytes;
    }

    public OptimizerState ReadOptimizer() => Trainer.ReadOptimizer();

    public EngineError? LoadOptimizer(OptimizerState? state) => Trainer.LoadOptimizer(state);

    public void Save(string folder) => _loaded.Save(folder);

    public EngineCounters Count(EngineCounters counters) => _clock.Count(counters);

    public void Dispose()
    {
        Pool.Dispose();
        _branches.Dispose();
        _sequences.Dispose();
        _trainer?.Dispose();
        _loaded.Dispose();
    }
}
