using Distributed.Ports;
using Distributed.Simulation.Host;

namespace Distributed.Simulation.Scaling;

/// <summary>An engine that takes the time its work would take and adds up when it was busy. Weights wait for the turns under way, as the real engines do.</summary>
public sealed class CostEngine(ITimeline timeline, CostModel costs) : IPolicyEngine
{
    private static readonly TensorShape[] OneTensor = [new("weights", [8])];
    private readonly Queue<(bool IsLoad, Action Begin)> _waiting = new();
    private int _running;
    private bool _loading;
    private bool _dead;
    private long _busyUntil;
    private long _countedTo;

    /// <inheritdoc/>
    public EngineLimits Limits { get; } = new(int.MaxValue / 2, int.MaxValue / 2, 8);

    /// <inheritdoc/>
    public long WeightsVersion { get; private set; } = -1;

    /// <inheritdoc/>
    public IReadOnlyList<TensorShape> Tensors => OneTensor;

    /// <summary>Bytes of the weights as the simulation moves them.</summary>
    public const int Bytes = 32;

    /// <summary>Seconds it scored or trained.</summary>
    public double ComputeSeconds { get; private set; }

    /// <summary>Sum over time of the episodes that sampled, seconds.</summary>
    public double EpisodeSeconds { get; private set; }

    /// <inheritdoc/>
    public void Generate(GenerateRequest request, Action<GenerateReply> reply)
    {
        if (_loading || _waiting.Count > 0) _waiting.Enqueue((false, () => Begin(request, reply)));
        else Begin(request, reply);
    }

    /// <inheritdoc/>
    public void Release(long sequence) { }

    /// <inheritdoc/>
    public void Score(ScoreRequest request, Action<ScoreReply> reply) => Compute(
        CostWorld.TokensOf(request.Tokens.Span) / costs.ScoreTokensPerSecond, () => reply(new ScoreReply(new double[request.Branches.Count], WeightsVersion)));

    /// <inheritdoc/>
    public void LogProbs(IReadOnlyList<TrainSequence> sequences, Action<LogProbsReply> reply) =>
        Compute(Tokens(sequences) / costs.TrainTokensPerSecond / 3, () => reply(new LogProbsReply([.. sequences.Select(LogProbs)])));

    /// <inheritdoc/>
    public void Train(TrainRequest request, Action<TrainReply> reply) => Compute(Tokens(request.Sequences) / costs.TrainTokensPerSecond, () =>
    {
        var logProbs = request.Sequences.Select(LogProbs).ToArray();
        for (var index = 0; index < logProbs.Length; index++) request.Loss.Evaluate(index, logProbs[index].Span, new float[logProbs[index].Length]);
        reply(new TrainReply(true, 0, 1, 0, logProbs));
    });

    /// <inheritdoc/>
    public void LoadWeights(long version, ReadOnlyMemory<byte> weights, Action<EngineError?> reply)
    {
        _waiting.Enqueue((true, () =>
        {
            _loading = true;
            After(costs.LoadSeconds, () =>
            {
                (_loading, WeightsVersion) = (false, version);
                reply(null);
                GoOn();
            });
        }));
        GoOn();
    }

    /// <inheritdoc/>
    public void ReadWeights(Action<ReadOnlyMemory<byte>, EngineError?> reply) => Compute(0, () => reply(new byte[Bytes], null));

    /// <inheritdoc/>
    public void ReadOptimizer(Action<OptimizerState?, EngineError?> reply) => Compute(0, () => reply(new OptimizerState(1, new byte[Bytes], new byte[Bytes]), null));

    /// <inheritdoc/>
    public void LoadOptimizer(OptimizerState? state, Action<EngineError?> reply) => Compute(0, () => reply(null));

    /// <summary>Its process is no more.</summary>
    public void Dispose()
    {
        Meter(0);
        _dead = true;
    }

    private void Begin(GenerateRequest request, Action<GenerateReply> reply)
    {
        var stream = new RandomStream(request.Seed);
        var tokens = (int)Math.Clamp(stream.LogNormal(costs.TurnTokens, costs.TurnTokensSigma), 1, 1_000_000);
        var answers = stream.Chance(1 / costs.MeanTurns);
        Meter(+1);
        var rate = Math.Min(costs.EpisodeTokensPerSecond, costs.RolloutTokensPerSecond / _running);
        After((CostWorld.TokensOf(request.Append.Span) / costs.PrefillTokensPerSecond) + (tokens / rate), () =>
        {
            Meter(-1);
            reply(new GenerateReply(request.Sequence, new[] { (2 * tokens) + (answers ? 1 : 0) }, new[] { -1f }, WeightsVersion, FinishReason.Stop));
            GoOn();
        });
    }

    // A load waits for the turns under way; what was asked for after it waits for it.
    private void GoOn()
    {
        while (!_loading && _waiting.TryPeek(out var next) && (!next.IsLoad || _running == 0))
        {
            _waiting.Dequeue();
            next.Begin();
        }
    }

    private void Compute(double seconds, Action work)
    {
        ComputeSeconds += seconds;
        _busyUntil = Math.Max(timeline.NowTicks, _busyUntil) + TimeSpan.FromSeconds(seconds).Ticks;
        After((_busyUntil - timeline.NowTicks) / (double)TimeSpan.TicksPerSecond, work);
    }

    private void After(double seconds, Action work) => timeline.After(TimeSpan.FromSeconds(seconds), () =>
    {
        if (!_dead) work();
    });

    private void Meter(int change)
    {
        EpisodeSeconds += _running * (double)(timeline.NowTicks - _countedTo) / TimeSpan.TicksPerSecond;
        (_countedTo, _running) = (timeline.NowTicks, _running + change);
    }

    private static ReadOnlyMemory<float> LogProbs(TrainSequence sequence)
    {
        var values = new float[sequence.Targets.Length];
        Array.Fill(values, -1f);
        return values;
    }

    private static long Tokens(IReadOnlyList<TrainSequence> sequences) => sequences.Sum(sequence => CostWorld.TokensOf(sequence.Tokens.Span));
}
