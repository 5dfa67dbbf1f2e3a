using Distributed.Engine.Kernels;
using Distributed.Engine.Model;

namespace Distributed.Engine.Tests.Model;

public sealed unsafe class HeadPassTests
{
    private const int Vocabulary = 20_000;

    /// <summary>104 rows are worked out at once and 261 kept: two more rows than that are worked out again for the backward pass.</summary>
    [Theory]
    [InlineData(261)]
    [InlineData(263)]
    public void Logits_that_were_kept_or_worked_out_again_give_the_gradients_of_rows_taken_one_chunk_at_a_time(int rows)
    {
        var config = TinyModels.Config() with { VocabularySize = Vocabulary };
        using var weights = TinyModels.Weights(config, 4);
        using var model = new PackedModel(weights);
        model.PrepareBackward();
        var d = config.HiddenSize;
        var random = new Random(7);
        using var hidden = new FloatBuffer((long)rows * d);
        for (var i = 0; i < rows * d; i++)
            hidden.Pointer[i] = (float)(random.NextDouble() - 0.5);
        var targets = Enumerable.Range(0, rows).Select(_ => random.Next(Vocabulary)).ToArray();
        var dLogProbs = Enumerable.Range(0, rows).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray();
        var (logProbs, entropies, chunkLogProbs, chunkEntropies) = (new float[rows], new float[rows], new float[rows], new float[rows]);
        using FloatBuffer dHidden = new((long)rows * d), dHead = new((long)Vocabulary * d), chunkHidden = new((long)rows * d), chunkHead = new((long)Vocabulary * d);

        using var whole = new HeadPass(model);
        whole.ChunkRows.ShouldBe(104);
        whole.Forward(hidden.Pointer, rows, targets, logProbs, entropies);
        whole.Backward(hidden.Pointer, rows, targets, dLogProbs, dHidden.Pointer, dHead.Pointer);
        using var chunks = new HeadPass(model);
        for (var first = 0; first < rows; first += chunks.ChunkRows)
        {
            var count = Math.Min(chunks.ChunkRows, rows - first);
            var from = hidden.Pointer + (first * d);
            chunks.Forward(from, count, targets.AsSpan(first, count), chunkLogProbs.AsSpan(first), chunkEntropies.AsSpan(first));
            chunks.Backward(from, count, targets.AsSpan(first, count), dLogProbs.AsSpan(first), chunkHidden.Pointer + (first * d), chunkHead.Pointer);
        }

        logProbs.ShouldBe(chunkLogProbs);
        entropies.ShouldBe(chunkEntropies);
        dHidden.Span.SequenceEqual(chunkHidden.Span).ShouldBeTrue();
        dHead.Span.SequenceEqual(chunkHead.Span).ShouldBeTrue();
        dHead.Span.ContainsAnyExcept(0f).ShouldBeTrue();

        // What is kept counts as memory of the step.
        HeadPass.FloatsFor(config, rows).ShouldBe((rows == 261 ? 261 : 104) * (20_016L + 1));
    }
}
