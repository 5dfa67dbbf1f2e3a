using Distributed.Engine.Adapters;
using Distributed.Engine.Formats;
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Torch.Model;
using Distributed.Engine.Torch.Scoring;
using Distributed.Engine.Torch.Training;
using Distributed.Ports;
using TorchSharp;

namespace Distributed.Engine.Torch.Hosting;

/// <summary>A model on a device and everything that computes on it but sampling. One thread uses it, and with it the device.</summary>
internal sealed class TorchCore : IEngineCore
{
    private readonly TorchModel _model;
    private readonly int _threads;
    private readonly TorchScorer _scorer;
    private readonly WorkClock _clock = new();
    private TorchTrainer? _trainer;
    private int _thread;

    /// <summary>Takes the model over.</summary>
    public TorchCore(TorchModel model, TorchEngineOptions options)
    {
        (_model, _threads) = (model, options.Engine.Threads);
        var tokens = options.PassTokens > 0 ? options.PassTokens : model.Device.type == DeviceType.CPU ? 1024 : 8192;
        TrainLimit = new PassLimit(tokens, "tokens of a training pass", options.Say);
        ScoreLimit = new PassLimit(tokens, "tokens of a scoring pass", options.Say);
        SampleLimit = new PassLimit(options.Engine.BatchTurns, "sequences sampled together", options.Say);
        _scorer = new TorchScorer(model, ScoreLimit);
    }

    public PassLimit TrainLimit { get; }

    public PassLimit ScoreLimit { get; }

    public PassLimit SampleLimit { get; }

    public TorchModel Model => _model;

    public TorchScorer Scorer => _scorer;

    /// <summary>Made when first needed: gradients and moments are three times the weights.</summary>
    public TorchTrainer Trainer => _trainer ??= new TorchTrainer(_model, TrainLimit);

    public void Measure(WorkKind kind, Action work)
    {
        Settle();
        _clock.Measure(kind, work);
    }

    public void Run(Action<int> work)
    {
        Settle();
        work(0);
    }

    public ScoreReply[] Score(IReadOnlyList<ScoreRequest> requests, long version)
    {
        var replies = _scorer.Score(requests, version);
        _clock.Scored(requests.Sum(request => request.Tokens.Length + request.Branches.Sum(branch => (long)branch.Tokens.Length)));
        return replies;
    }

    public LogProbsReply LogProbs(IReadOnlyList<TrainSequence> sequences)
    {
        var reply = _scorer.LogProbs(sequences);
        _clock.Scored(sequences.Sum(sequence => (long)sequence.Tokens.Length));
        return reply;
    }

    public HiddenStatesReply HiddenStates(IReadOnlyList<TrainSequence> sequences)
    {
        var reply = _scorer.HiddenStates(sequences);
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
        if (FlatCheck.Complaint(weights, _model.Trained.Count) is { } complaint)
            return new EngineError(complaint);
        _model.Trained.CopyFrom(weights);
        _model.Trained.Changed();
        return null;
    }

    public ReadOnlyMemory<byte> ReadWeights() => TorchParameters.ToBytes(_model.Trained.Flat);

    public OptimizerState ReadOptimizer() => Trainer.ReadOptimizer();

    public EngineError? LoadOptimizer(OptimizerState? state) => Trainer.LoadOptimizer(state);

    public void Save(string folder)
    {
        var (merged, adapter) = _model.ToHost();
        using (merged)
        using (adapter)
        {
            ModelFolder.Save(folder, merged);
            if (adapter is not null)
                AdapterFolder.Save(Path.Combine(folder, "adapter"), adapter, null);
        }
    }

    public EngineCounters Count(EngineCounters counters) => _clock.Count(counters);

    public void Dispose()
    {
        _trainer?.Dispose();
        _model.Dispose();
    }

    // The number of threads is a property of the thread that asks torch for work.
    private void Settle()
    {
        if (_thread == Environment.CurrentManagedThreadId)
            return;
        torch.set_num_threads(_threads);
        _thread = Environment.CurrentManagedThreadId;
    }
}
