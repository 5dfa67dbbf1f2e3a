using System.Buffers.Binary;
using Distributed.Ports;
using Distributed.Simulation.Host;
using Distributed.Simulation.Planted;

namespace Distributed.Simulation.World;

/// <summary>
/// An engine of <see cref="HashPolicy"/> on virtual time that keeps the port's promises: one answer a request, weights swap between turns (or inside
/// partial rollouts), training and copies in the order they were asked for. It lives with its process: after <see cref="Dispose"/> nothing is answered.
/// </summary>
public sealed class SimulatedEngine(SimulationHost host, RandomStream stream, EngineTimes times, EngineFaults faults) : IPolicyEngine
{
    private readonly Dictionary<long, List<int>> _sequences = [];
    private readonly HashSet<long> _released = [];
    private readonly HashSet<Sampling> _running = [];
    private readonly Queue<Action> _waiting = new();
    private long _busyUntil;
    private bool _dead;

    /// <inheritdoc/>
    public EngineLimits Limits { get; } = new(128, 64, HashPolicy.Bytes / sizeof(float));

    /// <inheritdoc/>
    public long WeightsVersion { get; private set; } = -1;

    /// <inheritdoc/>
    public IReadOnlyList<TensorShape> Tensors => HashPolicy.Tensors;

    /// <summary>The bug planted in it.</summary>
    public EngineBug Bug { get; init; }

    /// <summary>Sequences that were opened and not released.</summary>
    public int OpenSequences => _sequences.Count;

    /// <summary>The weights in use.</summary>
    public ulong Weights { get; private set; }

    /// <summary>The optimizer's moments.</summary>
    public ulong Moments { get; private set; }

    /// <summary>Optimizer steps taken.</summary>
    public long OptimizerStep { get; private set; }

    /// <inheritdoc/>
    public void Generate(GenerateRequest request, Action<GenerateReply> reply)
    {
        if (faults.IsSilent("generate")) return;
        if (_waiting.Count > 0) _waiting.Enqueue(() => Begin(request, reply));
        else Begin(request, reply);
    }

    /// <inheritdoc/>
    public void Release(long sequence)
    {
        if (Bug == EngineBug.KeepsSequences) return;
        _sequences.Remove(sequence);
        _released.Add(sequence);
    }

    /// <inheritdoc/>
    public void Score(ScoreRequest request, Action<ScoreReply> reply)
    {
        if (faults.IsSilent("score")) return;
        After(times.Score, () =>
        {
            if (faults.ErrorOf("score") is { } error)
            {
                reply(new ScoreReply(default, WeightsVersion, error));
                return;
            }

            if (faults.ScoresAreNaN) faults.Met("nan-score");
            reply(new ScoreReply(request.Branches.Select(branch => faults.ScoresAreNaN
                ? double.NaN
                : HashPolicy.Score(Weights, request.Tokens.ToArray().Take(branch.Position), branch.Tokens.Span, branch.SpanStart, branch.SpanLength)).ToArray(), WeightsVersion));
        });
    }

    /// <inheritdoc/>
    public void LogProbs(IReadOnlyList<TrainSequence> sequences, Action<LogProbsReply> reply) => InOrder("train", times.Other, error =>
        reply(error != null ? new LogProbsReply([], error) : new LogProbsReply([.. sequences.Select(sequence => (ReadOnlyMemory<float>)HashPolicy.LogProbs(Weights, sequence))])));

    /// <inheritdoc/>
    public void Train(TrainRequest request, Action<TrainReply> reply) => InOrder("train", times.Train, error =>
    {
        if (error != null)
        {
            reply(new TrainReply(false, 0, 0, 0, [], error));
            return;
        }

        var (state, loss) = (HashPolicy.Mix(Weights, Moments, (ulong)OptimizerStep, BitConverter.SingleToUInt32Bits(request.Optimizer.LearningRate)), 0.0);
        var logProbs = request.Sequences.Select(sequence => (ReadOnlyMemory<float>)HashPolicy.LogProbs(Weights, sequence)).ToArray();
        for (var index = 0; index < logProbs.Length; index++)
        {
            var gradient = new float[logProbs[index].Length];
            loss += request.Loss.Evaluate(index, logProbs[index].Span, gradient);
            state = HashPolicy.Chain(HashPolicy.Chain(state, request.Sequences[index].Tokens.ToArray()), request.Sequences[index].Targets.ToArray());
            foreach (var value in gradient) state = HashPolicy.Mix(state, BitConverter.SingleToUInt32Bits(value));
        }

        if (faults.TrainingIsNaN)
        {
            faults.Met("nan-loss");
            reply(new TrainReply(false, double.NaN, double.NaN, 0, logProbs));
            return;
        }

        (Weights, Moments, OptimizerStep) = (state, HashPolicy.Mix(state, 7), OptimizerStep + 1);
        reply(new TrainReply(true, loss, 1, 0.5, logProbs));
    });

    /// <inheritdoc/>
    public void LoadWeights(long version, ReadOnlyMemory<byte> weights, Action<EngineError?> reply)
    {
        var early = Bug == EngineBug.AcknowledgesLoadEarly && WeightsVersion >= 0;
        if (early)
        {
            WeightsVersion = version;
            After(0, () => reply(null));
        }

        InOrder("load", times.Load, error =>
        {
            if (error != null)
            {
                if (!early) reply(error);
                return;
            }

            _waiting.Enqueue(() =>
            {
                Swap(version, HashPolicy.FromBytes(weights.Span));
                if (!early) reply(null);
            });
            GoOn();
        });
    }

    /// <inheritdoc/>
    public void ReadWeights(Action<ReadOnlyMemory<byte>, EngineError?> reply) =>
        InOrder("read", times.Other, error => reply(error == null ? HashPolicy.ToBytes(Weights) : default(ReadOnlyMemory<byte>), error));

    /// <inheritdoc/>
    public void ReadOptimizer(Action<OptimizerState?, EngineError?> reply)
    {
        InOrder("read", times.Other, error => reply(error == null ? new OptimizerState(OptimizerStep, HashPolicy.ToBytes(Moments), HashPolicy.ToBytes(~Moments)) : null, error));
    }

    /// <inheritdoc/>
    public void LoadOptimizer(OptimizerState? state, Action<EngineError?> reply) => InOrder("load", times.Other, error =>
    {
        if (error == null && Bug != EngineBug.ForgetsOptimizer) (OptimizerStep, Moments) = state == null ? (0, 0) : (state.Step, BinaryPrimitives.ReadUInt64LittleEndian(state.FirstMoment.Span));
        reply(error);
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        _dead = true;
        GC.SuppressFinalize(this);
    }

    /// <summary>Puts weights in use, also for the tokens that partial rollouts have still to sample.</summary>
    private void Swap(long version, ulong weights)
    {
        foreach (var sampling in _running) sampling.SwapTo(version, weights, host.NowTicks);
        (WeightsVersion, Weights) = (version, weights);
    }

    private void Begin(GenerateRequest request, Action<GenerateReply> reply)
    {
        var error = faults.ErrorOf("generate") ?? (_released.Contains(request.Sequence) ? new EngineError("released") : Poison(request));
        if (error != null)
        {
            After(times.FirstToken, () => reply(new GenerateReply(request.Sequence, default, default, WeightsVersion, FinishReason.Failed, error)));
            return;
        }

        if (!_sequences.TryGetValue(request.Sequence, out var context)) _sequences.Add(request.Sequence, context = []);
        context.AddRange(request.Append.ToArray());
        var sampling = new Sampling(request, [.. context], WeightsVersion, Weights, host.NowTicks);
        var duration = times.Draw(times.FirstToken + times.Token * sampling.Tokens.Count, stream, faults.Slowdown);
        sampling.EndsAt = host.NowTicks + duration.Ticks;
        _running.Add(sampling);
        host.After(duration, () =>
        {
            _running.Remove(sampling);
            if (_dead) return;
            if (_released.Contains(request.Sequence))
            {
                reply(new GenerateReply(request.Sequence, default, default, WeightsVersion, FinishReason.Failed, new EngineError("released")));
            }
            else
            {
                context.AddRange(sampling.Tokens);
                reply(Bug == EngineBug.SwapsMidTurn ? sampling.Reply() with { Versions = [new VersionRun(WeightsVersion, sampling.Tokens.Count)], Version = WeightsVersion } : sampling.Reply());
            }

            GoOn();
        });
    }

    private EngineError? Poison(GenerateRequest request)
    {
        if (faults.PoisonedPrompt is not { } poison || !request.Append.Span.SequenceEqual(poison)) return null;
        faults.Met("poisoned-job");
        return new EngineError("the engine crashed on this prompt");
    }

    // Loads wait for the turns under way (not for partial rollouts), and what comes after a waiting load waits for it.
    private void GoOn()
    {
        while (_waiting.Count > 0 && (Bug == EngineBug.SwapsMidTurn || _running.All(sampling => sampling.IsPartial))) _waiting.Dequeue()();
    }

    private void InOrder(string kind, double seconds, Action<EngineError?> work)
    {
        if (faults.IsSilent(kind)) return;
        var from = Math.Max(host.NowTicks, _busyUntil);
        _busyUntil = from + times.Draw(seconds, stream, faults.Slowdown).Ticks;
        host.After(TimeSpan.FromTicks(_busyUntil - host.NowTicks), () =>
        {
            if (!_dead) work(faults.ErrorOf(kind));
        });
    }

    private void After(double seconds, Action work) => host.After(times.Draw(seconds, stream, faults.Slowdown), () =>
    {
        if (!_dead) work();
    });
}
