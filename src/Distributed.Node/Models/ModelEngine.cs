using Distributed.Engine.Formats;
using Distributed.Engine.Hosting;
using Distributed.Engine.Tokenizers;
using Distributed.Node.Composition;
using Distributed.Ports;

namespace Distributed.Node.Models;

/// <summary>An engine on a model folder, with its tokenizer if there is one, for commands that wait for the answer.</summary>
internal sealed class ModelEngine : IDisposable
{
    public const string TokenizerName = "tokenizer.json";

    private static readonly TimeSpan LongestAnswer = TimeSpan.FromHours(6);

    private readonly ManagedPolicyEngine _engine;

    private ModelEngine(ManagedPolicyEngine engine, Tokenizer? tokenizer) => (_engine, Tokenizer) = (engine, tokenizer);

    /// <summary>Text to ids and back; null if the folder has no tokenizer.json.</summary>
    public Tokenizer? Tokenizer { get; }

    public EngineLimits Limits => _engine.Limits;

    /// <summary>Opens a folder.</summary>
    /// <param name="folder">config.json, the weights, and tokenizer.json if there is one.</param>
    /// <param name="threads">Threads; 0 takes all.</param>
    /// <exception cref="RefusedException">A file is missing or broken.</exception>
    public static ModelEngine Open(string folder, int threads) => Refusals.Of(() =>
    {
        // Nothing is trained here, so bfloat16 weights may stay what they are: the same results, less memory.
        var narrow = ModelDescription.Read(folder).ParametersByType.Keys.All(type => type == "BF16");
        var options = new EngineOptions { Threads = threads == 0 ? Environment.ProcessorCount : threads, Storage = narrow ? WeightStorage.BFloat16 : WeightStorage.Float32 };
        if (File.Exists(Path.Combine(folder, TokenizerName)))
            return new ModelEngine(ManagedPolicyEngine.Load(folder, options), Tokenizer.Load(Path.Combine(folder, TokenizerName)));
        var (config, weights) = ModelFiles.Read(folder);
        return new ModelEngine(ManagedPolicyEngine.FromWeights(config, weights, new IdsOnlyTokenizer(), options), null);
    });

    /// <summary>Log-probability of every token but the first, given those before it, per sequence.</summary>
    public IReadOnlyList<ReadOnlyMemory<float>> LogProbs(IReadOnlyList<int[]> sequences, CancellationToken cancel)
    {
        var asked = sequences.Select(ids => new TrainSequence(ids, Enumerable.Range(1, ids.Length - 1).ToArray())).ToArray();
        var reply = Await<LogProbsReply>(answer => _engine.LogProbs(asked, answer), cancel);
        return reply.Error is { } error ? throw new RefusedException(error.Message) : reply.LogProbs;
    }

    /// <summary>Samples all requests at once.</summary>
    public GenerateReply[] Generate(IReadOnlyList<GenerateRequest> requests, CancellationToken cancel)
    {
        var pending = requests.Select(request => Ask<GenerateReply>(answer => _engine.Generate(request, answer))).ToArray();
        var replies = pending.Select(task => Wait(task, cancel)).ToArray();
        return replies.FirstOrDefault(reply => reply.Error is not null) is { } failed ? throw new RefusedException(failed.Error!.Message) : replies;
    }

    public void Dispose() => _engine.Dispose();

    private static T Await<T>(Action<Action<T>> ask, CancellationToken cancel) => Wait(Ask(ask), cancel);

    private static Task<T> Ask<T>(Action<Action<T>> ask)
    {
        var answered = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        ask(reply => answered.TrySetResult(reply));
        return answered.Task;
    }

    private static T Wait<T>(Task<T> task, CancellationToken cancel) =>
        task.Wait(LongestAnswer, cancel) ? task.Result : throw new RefusedException($"the engine has not answered for {LongestAnswer.TotalHours} hours; ask for less");
}
