using System.Collections.Concurrent;
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Tests.Generation;
using Distributed.Ports;

namespace Distributed.Engine.Tests.Hosting;

/// <summary>An engine on a small random model, with calls that wait for their one reply.</summary>
internal sealed class EngineFixture : IDisposable
{
    /// <summary>Long enough for a crowded machine; a wait that takes this long has failed.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public EngineFixture(EngineOptions? options = null, ModelConfig? config = null, ulong seed = 3)
    {
        config ??= TinyModels.Config();
        Engine = ManagedPolicyEngine.Random(config, seed, new AlphabetTokenizer(config.VocabularySize), options ?? new EngineOptions { Threads = 2 });
    }

    public ManagedPolicyEngine Engine { get; }

    public static GenerateRequest Request(
        long sequence, int[] append, int maxNewTokens = 8, SamplingOptions? sampling = null, ulong seed = 1, params string[] stops) =>
        new(sequence, append, sampling ?? new SamplingOptions(), seed, maxNewTokens, stops);

    public GenerateReply Generate(GenerateRequest request) => Wait<GenerateReply>(reply => Engine.Generate(request, reply));

    public GenerateReply Generate(long sequence, int[] append, int maxNewTokens = 8, SamplingOptions? sampling = null, ulong seed = 1, params string[] stops) =>
        Generate(Request(sequence, append, maxNewTokens, sampling, seed, stops));

    public ReadOnlyMemory<byte> Weights()
    {
        var (weights, error) = Wait<(ReadOnlyMemory<byte>, EngineError?)>(reply => Engine.ReadWeights((bytes, wrong) => reply((bytes, wrong))));
        error.ShouldBeNull();
        return weights;
    }

    public EngineError? Load(long version, ReadOnlyMemory<byte> weights) => Wait<EngineError?>(reply => Engine.LoadWeights(version, weights, reply));

    public TrainReply Train(float learningRate = 0.01f) => Wait<TrainReply>(reply => Engine.Train(TrainRequest(learningRate), reply));

    public static TrainRequest TrainRequest(float learningRate = 0.01f) => new(
        [new TrainSequence(new[] { 1, 2, 3, 4, 5, 6 }, new[] { 1, 2, 3, 4, 5 }), new TrainSequence(new[] { 9, 8, 7 }, new[] { 2 })],
        new PushUp(), new OptimizerOptions(learningRate));

    /// <summary>Calls and waits for the reply.</summary>
    public static T Wait<T>(Action<Action<T>> call)
    {
        using var replies = new BlockingCollection<T>();
        call(replies.Add);
        replies.TryTake(out var reply, Limit).ShouldBeTrue("no reply came");
        return reply!;
    }

    public void Dispose() => Engine.Dispose();

    /// <summary>Makes every target likelier.</summary>
    private sealed class PushUp : ISequenceLoss
    {
        public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient)
        {
            gradient.Fill(-1);
            double sum = 0;
            foreach (var value in logProbs)
                sum -= value;
            return sum;
        }
    }
}
