#if TORCH
using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Torch.Hosting;
using Distributed.Environments;
using Distributed.Ports;

namespace Distributed.Benchmarks;

/// <summary>Whether torch on a device gives what the managed engine gives, for machines that have no SDK to run the test suite with.</summary>
internal static class TorchParity
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Prints a row for each family and measure; false if one is out of bounds.</summary>
    public static bool Check(string device, ITokenizer tokenizer)
    {
        Console.WriteLine($"\nAgreement of torch on {device} with the managed engine");
        Console.WriteLine($"| {"family",-8} | {"largest difference of",-36} | {"found",9} | {"allowed",9} |\n|{new string('-', 10)}|{new string('-', 38)}|{new string('-', 11)}|{new string('-', 11)}|");
        var agree = true;
        foreach (var family in Enum.GetValues<ModelFamily>())
        {
            var config = ComparisonShape.Of("S") with { Family = family, VocabularySize = SearchVocabulary.Words.Length, MaxPositions = 512 };
            using var managed = ManagedPolicyEngine.Random(config, 3, tokenizer, new EngineOptions());
            using var torch = TorchPolicyEngine.Random(config, 3, tokenizer, new TorchEngineOptions { Device = device, PassTokens = 512 });
            foreach (var (what, found, allowed) in Compare(torch, managed))
            {
                agree &= found <= allowed;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {family,-8} | {what,-36} | {found,9:0.0e+0} | {allowed,9:0.0e+0} |{(found <= allowed ? "" : " NOT EQUAL")}"));
            }
        }

        return agree;
    }

    private static IEnumerable<(string What, double Found, double Allowed)> Compare(IPolicyEngine torch, IPolicyEngine managed)
    {
        var sequences = Enumerable.Range(0, 20).Select(Sequence).ToArray();
        var (one, other) = (LogProbs(torch, sequences), LogProbs(managed, sequences));
        yield return ("log-probabilities", Largest(one, other), 2e-4);

        var score = new ScoreRequest(sequences[19].Tokens, [.. Enumerable.Range(1, 9).Select(i => new ScoreBranch(i * 10, new[] { 5, 6, 7, i }, 1, 3))]);
        var (packed, wanted) = (Score(torch, score), Score(managed, score));
        yield return ("packed scores", packed.Zip(wanted, (a, b) => Math.Abs(a - b)).Max(), 2e-4);

        var greedy = new GenerateRequest(1, sequences[5].Tokens, SamplingOptions.Greedy, 1, 40, []);
        var (sampled, expected) = (Generate(torch, greedy), Generate(managed, greedy));
        yield return ("greedy tokens (count that differ)", sampled.Zip(expected, (a, b) => a == b ? 0.0 : 1).Sum(), 0);

        for (var step = 0; step < 3; step++)
        {
            var request = new TrainRequest(sequences, new Mean(), new OptimizerOptions(1e-3f, MaxGradNorm: 1));
            var (left, right) = (Train(torch, request), Train(managed, request));
            if (step == 0)
                yield return ("gradient norm, relative", Math.Abs(left.GradNorm / right.GradNorm - 1), 1e-3);
        }

        yield return ("log-probabilities after 3 steps", Largest(LogProbs(torch, sequences), LogProbs(managed, sequences)), 2e-3);
        yield return ("weights after 3 steps, relative norm", Relative(Weights(torch), Weights(managed)), 1e-4);
    }

    private static TrainSequence Sequence(int index)
    {
        int[] tokens = [.. Enumerable.Range(0, 20 + (index * 7)).Select(i => (int)((uint)(index * 7919 + i * 104729 + 13) % 200))];
        return new TrainSequence(tokens, Enumerable.Range(1, tokens.Length - 1).Where(i => i % 3 != 0).ToArray());
    }

    private static double Largest(IReadOnlyList<ReadOnlyMemory<float>> one, IReadOnlyList<ReadOnlyMemory<float>> other) =>
        one.Zip(other, (a, b) => a.ToArray().Zip(b.ToArray(), (x, y) => Math.Abs((double)x - y)).Max()).Max();

    private static double Relative(float[] one, float[] other) =>
        Math.Sqrt(one.Zip(other, (a, b) => Math.Pow((double)a - b, 2)).Sum() / other.Sum(value => (double)value * value));

    private static IReadOnlyList<ReadOnlyMemory<float>> LogProbs(IPolicyEngine engine, TrainSequence[] sequences) =>
        Wait<LogProbsReply>(reply => engine.LogProbs(sequences, reply), reply => reply.Error).LogProbs;

    private static double[] Score(IPolicyEngine engine, ScoreRequest request) => Wait<ScoreReply>(reply => engine.Score(request, reply), reply => reply.Error).MeanLogProbs.ToArray();

    private static int[] Generate(IPolicyEngine engine, GenerateRequest request) => Wait<GenerateReply>(reply => engine.Generate(request, reply), reply => reply.Error).Tokens.ToArray();

    private static TrainReply Train(IPolicyEngine engine, TrainRequest request) => Wait<TrainReply>(reply => engine.Train(request, reply), reply => reply.Error);

    private static float[] Weights(IPolicyEngine engine) => MemoryMarshal.Cast<byte, float>(
        Wait<(ReadOnlyMemory<byte> Bytes, EngineError? Error)>(reply => engine.ReadWeights((bytes, error) => reply((bytes, error))), reply => reply.Error).Bytes.Span).ToArray();

    private static T Wait<T>(Action<Action<T>> call, Func<T, EngineError?> errorOf)
    {
        using var replies = new BlockingCollection<T>();
        call(replies.Add);
        if (!replies.TryTake(out var reply, Limit))
            throw new TimeoutException($"no reply within {Limit}");
        return errorOf(reply) is { } error ? throw new InvalidOperationException(error.Message) : reply;
    }

    private sealed class Mean : ISequenceLoss
    {
        public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient)
        {
            gradient.Fill(-1e-3f);
            double sum = 0;
            foreach (var value in logProbs)
                sum -= value;
            return sum * 1e-3;
        }
    }
}
#endif
