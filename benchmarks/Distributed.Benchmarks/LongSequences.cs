using System.Diagnostics;
using System.Globalization;
using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Scoring;
using Distributed.Engine.Training;
using Distributed.Ports;

namespace Distributed.Benchmarks;

/// <summary>What one sequence costs as it grows, on one thread: time, native memory beside the formula, and managed memory a step.</summary>
internal static class LongSequences
{
    public static void Run(string shape)
    {
        var config = ComparisonShape.Of(shape);
        using var weights = ModelWeights.Random(config, 1);
        using var model = new PackedModel(weights);
        using var pool = new ComputePool(1);
        Console.WriteLine($"Shape {shape}, one sequence, one thread");
        Console.WriteLine("| tokens | train, tokens/s | score, tokens/s | pass, MiB | by the formula | bytes a token | managed bytes a step beyond the reply |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var length in new[] { 256, 512, 1024, 2048, 4096 })
        {
            TrainSequence[] sequences = [new(Enumerable.Range(0, length).Select(i => (int)(i * 104729L % config.VocabularySize)).ToArray(), Enumerable.Range(1, length - 1).ToArray())];
            var request = new TrainRequest(sequences, new Flat(), new OptimizerOptions(1e-6f));
            using var trainer = new Trainer(model, pool);
            using var scorer = new SequenceScorer(model, pool);
            var before = FloatBuffer.HeldByThread;
            trainer.Step(request);
            var held = FloatBuffer.HeldByThread - before;
            var formula = StepMemory.Pass(config, length - 1, length - 1) - HeadPass.FloatsFor(config, 1);
            scorer.LogProbs(sequences);
            var steps = Math.Max(1, 4096 / length);
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            var train = Best(3, () => trainer.Step(request), steps);
            var managed = ((GC.GetAllocatedBytesForCurrentThread() - allocated) / (3 * steps)) - (4 * length);
            var score = Best(3, () => scorer.LogProbs(sequences), steps);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {length} | {length / train:N0} | {length / score:N0} | {held * 4.0 / (1 << 20):N1} | {formula * 4.0 / (1 << 20):N1} | {held * 4.0 / length:N0} | {managed:N0} |"));
        }
    }

    private static double Best(int rounds, Action work, int steps)
    {
        var best = double.MaxValue;
        for (var round = 0; round < rounds; round++)
        {
            var began = Stopwatch.GetTimestamp();
            for (var step = 0; step < steps; step++) work();
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalSeconds / steps);
        }

        return best;
    }

    private sealed class Flat : ISequenceLoss
    {
        public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient)
        {
            gradient.Fill(-1f / logProbs.Length);
            return 0;
        }
    }
}
