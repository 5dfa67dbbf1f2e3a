using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using Distributed.Ports;

namespace Distributed.Actors.Tests.Fakes;

/// <summary>
/// A policy that is a hash: its weights are a chain over everything it was trained on, in order, with the optimizer's state; what it
/// samples and scores is a function of weights, context and seed. Two runs end with the same weights only if they trained the same tokens,
/// credit and order from the same state. Answers on a thread of its own.
/// </summary>
public sealed class HashEngine : IPolicyEngine
{
    public const int Bytes = 32;

    private readonly BlockingCollection<Action> _queue = [];
    private readonly Thread _thread;
    private readonly Dictionary<long, List<int>> _sequences = [];
    private readonly HashSet<long> _released = [];
    private ulong _weights;
    private ulong _moments;
    private long _step;

    public HashEngine()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "hash engine" };
        _thread.Start();
    }

    /// <summary>Called on the engine's thread before each request with its kind; returns an error, or null to do the work. May block.</summary>
    public Func<string, EngineError?> Fault { get; init; } = _ => null;

    /// <summary>Requests of kinds this says true for are never answered.</summary>
    public Func<string, bool> Silent { get; init; } = _ => false;

    /// <summary>Records other log-probabilities of the distribution drawn from than the model's own, as a temperature would.</summary>
    public bool Tempered { get; init; }

    public EngineLimits Limits { get; } = new(128, 64, Bytes / sizeof(float));

    public long WeightsVersion { get; private set; } = -1;

    public IReadOnlyList<TensorShape> Tensors { get; } = [new("first", [2, 2]), new("second", [4])];

    public static byte[] InitialWeights { get; } = ToBytes(0x1234);

    public static string Hash(ReadOnlyMemory<byte> weights) => BinaryPrimitives.ReadUInt64LittleEndian(weights.Span).ToString("x16", CultureInfo.InvariantCulture);

    public void Generate(GenerateRequest request, Action<GenerateReply> reply) => Ask("generate", error =>
    {
        if (error != null || _released.Contains(request.Sequence))
        {
            reply(new GenerateReply(request.Sequence, default, default, WeightsVersion, FinishReason.Failed, error ?? new EngineError("released")));
            return;
        }

        if (!_sequences.TryGetValue(request.Sequence, out var context)) _sequences.Add(request.Sequence, context = []);
        foreach (var token in request.Append.Span) context.Add(token);
        var state = Chain(_weights, context);
        if (request.Sampling.Temperature > 0) state = Mix(state, request.Seed);
        var (text, finish) = Turn(state);
        var tokens = text.Select(letter => (int)letter).ToArray();
        context.AddRange(tokens);
        var logProbs = LogProbsOf(state, tokens.Length);
        reply(new GenerateReply(request.Sequence, tokens, Tempered ? [.. logProbs.Select(value => value / 2)] : logProbs, WeightsVersion, finish) { ModelLogProbs = logProbs });
    });

    public void Release(long sequence) => _queue.TryAdd(() =>
    {
        _sequences.Remove(sequence);
        _released.Add(sequence);
    });

    public void Score(ScoreRequest request, Action<ScoreReply> reply) => Ask("score", error =>
    {
        if (error != null)
        {
            reply(new ScoreReply(default, WeightsVersion, error));
            return;
        }

        var tokens = request.Tokens.ToArray();
        reply(new ScoreReply(request.Branches.Select(branch =>
        {
            var state = Chain(Chain(Chain(_weights, tokens.Take(branch.Position)), branch.Tokens.ToArray()), [branch.SpanStart, branch.SpanLength]);
            return -0.1 - state % 3000 / 1000.0;
        }).ToArray(), WeightsVersion));
    });

    public void LogProbs(IReadOnlyList<TrainSequence> sequences, Action<LogProbsReply> reply) => Ask("logprobs", error =>
        reply(error != null ? new LogProbsReply([], error) : new LogProbsReply([.. sequences.Select(LogProbsOf)])));

    public void HiddenStates(IReadOnlyList<TrainSequence> sequences, Action<HiddenStatesReply> reply) => Ask("hidden", error =>
        reply(error != null ? new HiddenStatesReply(2, [], error) : new HiddenStatesReply(2, [.. sequences.Select(sequence =>
            (ReadOnlyMemory<float>)LogProbsOf(Chain(_weights, sequence.Tokens.ToArray()), 2 * sequence.Targets.Length))])));

    public void Train(TrainRequest request, Action<TrainReply> reply) => Ask("train", error =>
    {
        if (error != null)
        {
            reply(new TrainReply(false, 0, 0, 0, [], error));
            return;
        }

        var (state, loss) = (Mix(_weights, _moments, (ulong)_step, BitConverter.SingleToUInt32Bits(request.Optimizer.LearningRate)), 0.0);
        var logProbs = request.Sequences.Select(LogProbsOf).ToArray();
        for (var index = 0; index < logProbs.Length; index++)
        {
            var gradient = new float[logProbs[index].Length];
            loss += request.Loss.Evaluate(index, logProbs[index].Span, gradient);
            state = Chain(Chain(state, request.Sequences[index].Tokens.ToArray()), request.Sequences[index].Targets.ToArray());
            foreach (var value in gradient) state = Mix(state, BitConverter.SingleToUInt32Bits(value));
        }

        if (!double.IsFinite(loss) || !float.IsFinite(request.Optimizer.LearningRate))
        {
            reply(new TrainReply(false, loss, double.NaN, 0, logProbs));
            return;
        }

        (_weights, _moments, _step) = (state, Mix(state, 7), _step + 1);
        reply(new TrainReply(true, loss, 1, 0.5, logProbs));
    });

    public void LoadWeights(long version, ReadOnlyMemory<byte> weights, Action<EngineError?> reply) => Ask("load", error =>
    {
        if (error == null) (_weights, WeightsVersion) = (BinaryPrimitives.ReadUInt64LittleEndian(weights.Span), version);
        reply(error);
    });

    public void ReadWeights(Action<ReadOnlyMemory<byte>, EngineError?> reply) => Ask("read", error => reply(error == null ? ToBytes(_weights) : default, error));

    public void ReadOptimizer(Action<OptimizerState?, EngineError?> reply) => Ask("read-optimizer", error =>
        reply(error == null ? new OptimizerState(_step, ToBytes(_moments), ToBytes(~_moments)) : null, error));

    public void LoadOptimizer(OptimizerState? state, Action<EngineError?> reply) => Ask("load-optimizer", error =>
    {
        if (error == null) (_step, _moments) = state == null ? (0, 0) : (state.Step, BinaryPrimitives.ReadUInt64LittleEndian(state.FirstMoment.Span));
        reply(error);
    });

    public void Dispose()
    {
        _queue.CompleteAdding();
        _thread.Join(TimeSpan.FromSeconds(5));
    }

    // Mostly a look-up or an answer; now and then malformed or cut off.
    private static (string Text, FinishReason Finish) Turn(ulong state) => (state % 16) switch
    {
        < 7 => ($"L{state / 16 % 10};", FinishReason.Stop),
        < 14 => ($"A{state / 16 % 3};", FinishReason.Stop),
        14 => ("x;", FinishReason.Stop),
        _ => ("LLLLLLLL", FinishReason.Length),
    };

    private ReadOnlyMemory<float> LogProbsOf(TrainSequence sequence) => LogProbsOf(Chain(_weights, sequence.Tokens.ToArray()), sequence.Targets.Length);

    private static float[] LogProbsOf(ulong state, int count)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++) values[i] = -0.01f - Mix(state, (ulong)i) % 1000 / 500f;
        return values;
    }

    private void Ask(string kind, Action<EngineError?> work)
    {
        if (Silent(kind)) return;
        try
        {
            _queue.Add(() => work(Fault(kind)));
        }
        catch (InvalidOperationException)
        {
            // Disposed: the run is over and nobody waits for the answer.
        }
    }

    private void Run()
    {
        foreach (var work in _queue.GetConsumingEnumerable()) work();
    }

    private static byte[] ToBytes(ulong state)
    {
        var bytes = new byte[Bytes];
        for (var part = 0; part < Bytes / sizeof(ulong); part++)
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(part * sizeof(ulong)), part == 0 ? state : Mix(state, (ulong)part));
        return bytes;
    }

    private static ulong Chain(ulong state, IEnumerable<int> values)
    {
        foreach (var value in values) state = Mix(state, (ulong)value);
        return Mix(state, 0xE0D);
    }

    private static ulong Mix(ulong state, params ReadOnlySpan<ulong> values)
    {
        foreach (var value in values)
        {
            state = (state ^ value) + 0x9E3779B97F4A7C15UL;
            state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9UL;
            state = (state ^ (state >> 27)) * 0x94D049BB133111EBUL;
            state ^= state >> 31;
        }

        return state;
    }
}
