using Distributed.Engine.Generation;
using Distributed.Engine.Kernels;

namespace Distributed.Engine.Tests.Generation;

public sealed unsafe class CachedAttentionTests
{
    [Theory]
    [InlineData(32, 2, 1)]
    [InlineData(32, 2, 80)]
    [InlineData(32, 4, 65)]
    [InlineData(6, 3, 33)]
    [InlineData(16, 1, 16)]
    [InlineData(64, 7, 17)]
    [InlineData(20, 5, 130)]
    public void Attention_over_pages_is_attention_by_the_book(int headSize, int group, int positions)
    {
        var random = new Random(headSize + group + positions);
        var layout = new KeyValueLayout(2, 3, headSize);
        using var store = new KeyValuePages(layout, 16);
        var cache = new SequenceCache(1);
        cache.Reserve(positions, store);
        var keys = Noise(random, positions * headSize);
        var values = Noise(random, positions * headSize);
        var queries = Noise(random, group * headSize);
        var tile = layout.Tile(1, 2);
        foreach (var page in cache.Pages)
            new Span<float>((float*)page, layout.PageFloats).Fill(float.NaN);

        fixed (float* k = keys, v = values, q = queries)
        fixed (nint* pages = cache.Pages)
        {
            for (var t = 0; t < positions; t++)
                CachedAttention.Store((float*)pages[t / 16] + tile, layout, t % 16, k + (t * headSize), v + (t * headSize));
            foreach (var run in Paths())
            {
                using var y = new FloatBuffer(group * headSize);
                using var scores = new FloatBuffer(2 * KeyValueLayout.Pages(positions) * 16);
                run(pages, tile, layout, positions, q, group, 0.3f, scores.Pointer, y.Pointer);
                for (var head = 0; head < group; head++)
                {
                    var expected = Reference(queries.AsSpan(head * headSize, headSize), keys, values, positions, 0.3);
                    for (var i = 0; i < headSize; i++)
                        y.Span[(head * headSize) + i].ShouldBe((float)expected[i], 3e-6f);
                }
            }
        }
    }

    private delegate void Kernel(nint* pages, int tile, KeyValueLayout layout, int positions, float* q, int group, float scale, float* scores, float* y);

    private static List<Kernel> Paths()
    {
        List<Kernel> paths = [CachedAttention.Attend<LaneAny>];
        if (Simd.IsSupported(SimdPath.Avx2))
            paths.Add(CachedAttention.Attend<Lane256>);
        if (Simd.IsSupported(SimdPath.Avx512))
            paths.Add(CachedAttention.Attend<Lane512>);
        return paths;
    }

    private static double[] Reference(ReadOnlySpan<float> query, float[] keys, float[] values, int positions, double scale)
    {
        var size = query.Length;
        var scores = new double[positions];
        for (var t = 0; t < positions; t++)
        {
            for (var i = 0; i < size; i++)
                scores[t] += scale * query[i] * keys[(t * size) + i];
        }

        var weights = scores.Select(score => Math.Exp(score - scores.Max())).ToArray();
        var y = new double[size];
        for (var t = 0; t < positions; t++)
        {
            for (var i = 0; i < size; i++)
                y[i] += weights[t] / weights.Sum() * values[(t * size) + i];
        }

        return y;
    }

    private static float[] Noise(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() - 0.5) * 2))];
}
