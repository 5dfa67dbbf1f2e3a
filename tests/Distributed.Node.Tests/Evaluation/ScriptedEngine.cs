using System.Collections.Concurrent;
using Distributed.Ports;

namespace Distributed.Node.Tests.Evaluation;

/// <summary>
/// An engine whose policy is a function of the text so far. Answers from the thread pool, so in any order. An action without a stop string stands
/// for one that ran out of tokens; null fails.
/// </summary>
internal sealed class ScriptedEngine(Func<string, string?> policy, int context = 1000) : IPolicyEngine
{
    private static readonly CharacterTokenizer Tokenizer = new();
    private readonly ConcurrentDictionary<long, string> sequences = new();

    public List<TrainRequest> Trained { get; } = [];

    public int Resets { get; private set; }

    public bool Disposed { get; private set; }

    public int OpenSequences => sequences.Count;

    public EngineLimits Limits { get; } = new(65_536, context, 1);

    public long WeightsVersion => 0;

    public IReadOnlyList<TensorShape> Tensors => [];

    public void Generate(GenerateRequest request, Action<GenerateReply> reply) => ThreadPool.QueueUserWorkItem(_ =>
    {
        var text = sequences.GetValueOrDefault(request.Sequence, "") + Tokenizer.Decode(request.Append.Span);
        var action = policy(text);
        if (action is null)
        {
            reply(new(request.Sequence, default, default, 0, FinishReason.Failed, new EngineError("the engine is out of memory")));
            return;
        }
        sequences[request.Sequence] = text + action;
        var stopped = request.StopStrings.Any(action.EndsWith);
        reply(new(request.Sequence, Tokenizer.Encode(action), new float[action.Length], 0, stopped ? FinishReason.Stop : FinishReason.Length));
    });

    public void Release(long sequence) => sequences.TryRemove(sequence, out _);

    public void Train(TrainRequest request, Action<TrainReply> reply)
    {
        Trained.Add(request);
        var loss = 0.0;
        for (var i = 0; i < request.Sequences.Count; i++)
        {
            var logProbs = new float[request.Sequences[i].Targets.Length];
            Array.Fill(logProbs, -2f);
            loss += request.Loss.Evaluate(i, logProbs, new float[logProbs.Length]);
        }
        reply(new(true, loss, 1, 1, []));
    }

    public void LoadOptimizer(OptimizerState? state, Action<EngineError?> reply)
    {
        Resets++;
        reply(null);
    }

    public void Dispose() => Disposed = true;

    public void Score(ScoreRequest request, Action<ScoreReply> reply) => throw new InvalidOperationException();

    public void LogProbs(IReadOnlyList<TrainSequence> sequences, Action<LogProbsReply> reply) => throw new InvalidOperationException();

    public void LoadWeights(long version, ReadOnlyMemory<byte> weights, Action<EngineError?> reply) => reply(null);

    public void ReadWeights(Action<ReadOnlyMemory<byte>, EngineError?> reply) => reply(default, null);

    public void ReadOptimizer(Action<OptimizerState?, EngineError?> reply) => reply(null, null);
}
