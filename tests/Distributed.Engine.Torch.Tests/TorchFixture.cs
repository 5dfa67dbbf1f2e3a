using System.Collections.Concurrent;
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Tests;
using Distributed.Engine.Tests.Generation;
using Distributed.Engine.Tests.Model;
using Distributed.Engine.Torch.Hosting;
using Distributed.Ports;

namespace Distributed.Engine.Torch.Tests;

/// <summary>A fact that needs libtorch; on a machine without one it is skipped and says what to type.</summary>
public sealed class TorchFactAttribute : FactAttribute
{
    public TorchFactAttribute() => Skip = TorchRuntime.Complaint;
}

/// <summary>A theory that needs libtorch.</summary>
public sealed class TorchTheoryAttribute : TheoryAttribute
{
    public TorchTheoryAttribute() => Skip = TorchRuntime.Complaint;
}

/// <summary>Engines to compare, and calls that wait for their one reply.</summary>
internal static class TorchFixture
{
    /// <summary>Long enough for a crowded machine; a wait that takes this long has failed.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Where the suite computes; a GPU machine sets the variable.</summary>
    public static string Device { get; } = Environment.GetEnvironmentVariable("DISTRIBUTED_TEST_DEVICE") ?? "cpu";

    public static TorchEngineOptions Options => new() { Device = Device, Engine = new EngineOptions { Threads = 1, CacheBytes = 16 << 20 } };

    /// <summary>A torch engine and a managed one on the same weights.</summary>
    public static (TorchPolicyEngine Torch, ManagedPolicyEngine Managed) Pair(ModelConfig config, ulong seed, TorchEngineOptions? options = null)
    {
        options ??= Options;
        var torch = TorchPolicyEngine.Create(TinyModels.Weights(config, seed), () => new AlphabetTokenizer(config.VocabularySize), options);
        var managed = ManagedPolicyEngine.Create(
            TinyModels.Weights(config, seed), () => new AlphabetTokenizer(config.VocabularySize), options.Engine);
        return (torch, managed);
    }

    public static TorchPolicyEngine Open(ModelFixture fixture, TorchEngineOptions? options = null) =>
        TorchPolicyEngine.Load(fixture.Folder, () => new AlphabetTokenizer(VocabularyOf(fixture)), options ?? Options);

    public static GenerateRequest Request(long sequence, int[] append, int maxNewTokens = 8, SamplingOptions? sampling = null, ulong seed = 1, params string[] stops) =>
        new(sequence, append, sampling ?? new SamplingOptions(), seed, maxNewTokens, stops);

    public static GenerateReply Generate(this IPolicyEngine engine, GenerateRequest request) => Wait<GenerateReply>(reply => engine.Generate(request, reply));

    public static LogProbsReply LogProbs(this IPolicyEngine engine, params TrainSequence[] sequences) => Wait<LogProbsReply>(reply => engine.LogProbs(sequences, reply));

    public static ScoreReply Score(this IPolicyEngine engine, ScoreRequest request) => Wait<ScoreReply>(reply => engine.Score(request, reply));

    public static TrainReply Train(this IPolicyEngine engine, TrainRequest request) => Wait<TrainReply>(reply => engine.Train(request, reply));

    public static float[] Weights(this IPolicyEngine engine)
    {
        var (weights, error) = Wait<(ReadOnlyMemory<byte>, EngineError?)>(reply => engine.ReadWeights((bytes, wrong) => reply((bytes, wrong))));
        error.ShouldBeNull();
        return System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(weights.Span).ToArray();
    }

    /// <summary>Every token but the first is a target.</summary>
    public static TrainSequence Whole(params int[] tokens) => new(tokens, Enumerable.Range(1, tokens.Length - 1).ToArray());

    public static TrainSequence RandomSequence(Random random, int length, int vocabulary)
    {
        var targets = Enumerable.Range(1, length - 1).Where(_ => random.Next(3) == 0).ToList();
        if (targets.Count == 0)
            targets.Add(1);
        return new TrainSequence(TinyModels.Tokens(random, length, vocabulary), targets.ToArray());
    }

    /// <summary>Calls and waits for the reply.</summary>
    public static T Wait<T>(Action<Action<T>> call)
    {
        using var replies = new BlockingCollection<T>();
        call(replies.Add);
        replies.TryTake(out var reply, Limit).ShouldBeTrue("no reply came");
        return reply!;
    }

    /// <summary>Largest difference of two lists.</summary>
    public static double Difference(ReadOnlySpan<float> one, ReadOnlySpan<float> other)
    {
        one.Length.ShouldBe(other.Length);
        double most = 0;
        for (var i = 0; i < one.Length; i++)
            most = Math.Max(most, Math.Abs((double)one[i] - other[i]));
        return most;
    }

    private static int VocabularyOf(ModelFixture fixture) => Formats.ModelDescription.Read(fixture.Folder).Config.VocabularySize;
}
