using Distributed.Engine.Kernels;

namespace Distributed.Engine.Tests.Kernels;

public sealed unsafe class GemmTests
{
    public static TheoryData<string> Paths()
    {
        var data = new TheoryData<string>();
        foreach (var path in Enum.GetValues<SimdPath>().Where(Simd.IsSupported))
            data.Add(path.ToString());
        return data;
    }

    [Theory, MemberData(nameof(Paths))]
    public void A_product_equals_the_float64_product(string path)
    {
        foreach (var (m, k, n) in new[] { (1, 1, 1), (5, 7, 3), (12, 128, 32), (37, 100, 96), (80, 352, 128), (13, 64, 350), (3, 600, 33), (7, 513, 96) })
        {
            using var a = Noise(m * (k + 3), 1);
            using var b = Noise(k * n, 2);
            using var add = Noise(m * n, 3);
            using var c = new FloatBuffer(m * (n + 5));
            using var packed = PackedMatrix.FromRowMajor(b.Pointer, k, n);
            Multiply(path, a.Pointer, k + 3, m, packed, c.Pointer, n + 5, add.Pointer, n);
            for (var i = 0; i < m; i++)
                for (var j = 0; j < n; j++)
                {
                    double want = add.Span[(i * n) + j];
                    for (var l = 0; l < k; l++)
                        want += (double)a.Span[(i * (k + 3)) + l] * b.Span[(l * n) + j];
                    ((double)c.Span[(i * (n + 5)) + j]).ShouldBe(want, 4e-7 * (k + 8), $"{m}x{k}x{n} at {i},{j}");
                }

            for (var i = 0; i < m; i++)
                c.Span.Slice((i * (n + 5)) + n, 5).ToArray().ShouldAllBe(x => x == 0f);
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void A_row_has_the_same_bits_whatever_rows_are_computed_with_it(string path)
    {
        const int K = 129, N = 83, Most = 40;
        using var a = Noise(Most * K, 4);
        using var b = Noise(K * N, 5);
        using var alone = new FloatBuffer(Most * N);
        using var together = new FloatBuffer(Most * N);
        using var packed = PackedMatrix.FromRowMajor(b.Pointer, K, N);
        for (var row = 0; row < Most; row++)
            Multiply(path, a.Pointer + (row * K), K, 1, packed, alone.Pointer + (row * N), N, null, 0);
        for (var m = 1; m <= Most; m++)
        {
            var first = Most - m;
            Multiply(path, a.Pointer + (first * K), K, m, packed, together.Pointer, N, null, 0);
            together.Span[..(m * N)].SequenceEqual(alone.Span.Slice(first * N, m * N)).ShouldBeTrue($"m = {m}");
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void An_element_is_one_chain_over_any_depth_and_the_addend_may_be_the_result(string path)
    {
        if (path == nameof(SimdPath.Vector)) return; // Vector<T> has no fused multiply-add to hold it against.
        foreach (var (m, k, n) in new[] { (1, 300, 32), (8, 127, 64), (10, 1409, 96), (700, 130, 32) })
        {
            using var a = Noise(m * k, 13);
            using var b = Noise(k * n, 14);
            using var c = Noise(m * n, 15);
            var before = c.Span.ToArray();
            using var packed = PackedMatrix.FromRowMajor(b.Pointer, k, n);
            Multiply(path, a.Pointer, k, m, packed, c.Pointer, n, c.Pointer, n);
            for (var i = 0; i < m; i++)
                for (var j = 0; j < n; j++)
                {
                    var chain = 0f;
                    for (var l = 0; l < k; l++)
                        chain = MathF.FusedMultiplyAdd(a.Span[(i * k) + l], b.Span[(l * n) + j], chain);
                    c.Span[(i * n) + j].ShouldBe(before[(i * n) + j] + chain, $"{m}x{k}x{n} at {i},{j}");
                }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void A_weight_gradient_is_added_to_what_was_there(string path)
    {
        foreach (var (m, k, n) in new[] { (1, 1, 1), (128, 70, 128), (25, 300, 50), (64, 17, 16), (37, 131, 64), (20, 45, 96), (41, 19, 32) })
        {
            using var a = Noise(k * m, 6);
            using var b = Noise(k * n, 7);
            using var c = Noise(m * n, 8);
            var before = c.Span.ToArray();
            Gemm.AccumulateTransposed(Enum.Parse<SimdPath>(path), a.Pointer, m, m, b.Pointer, n, n, k, c.Pointer, n);
            for (var i = 0; i < m; i++)
                for (var j = 0; j < n; j++)
                {
                    double want = before[(i * n) + j];
                    for (var l = 0; l < k; l++)
                        want += (double)a.Span[(l * m) + i] * b.Span[(l * n) + j];
                    ((double)c.Span[(i * n) + j]).ShouldBe(want, 4e-7 * (k + 8), $"{m}x{k}x{n} at {i},{j}");
                }
        }
    }

    [Theory]
    [InlineData(9, 5)]
    [InlineData(64, 128)]
    [InlineData(70, 35)]
    public void A_linear_weight_packs_as_its_transpose(int outputs, int inputs)
    {
        using var weight = Noise(outputs * inputs, 9);
        using var transposed = new FloatBuffer(outputs * inputs);
        for (var i = 0; i < outputs; i++)
            for (var j = 0; j < inputs; j++)
                transposed.Span[(j * outputs) + i] = weight.Span[(i * inputs) + j];
        using var fromLinear = PackedMatrix.FromLinear(weight.Pointer, outputs, inputs);
        using var fromRows = PackedMatrix.FromRowMajor(transposed.Pointer, inputs, outputs);
        var floats = (int)PackedMatrix.PanelFloats(inputs, outputs);
        new Span<float>(fromLinear.Panels, floats).SequenceEqual(new Span<float>(fromRows.Panels, floats)).ShouldBeTrue();
    }

    [Fact]
    public void A_bias_is_one_addend_row_for_all_rows()
    {
        using var a = Noise(6 * 4, 10);
        using var b = Noise(4 * 40, 11);
        using var bias = Noise(40, 12);
        using var without = new FloatBuffer(6 * 40);
        using var with = new FloatBuffer(6 * 40);
        using var packed = PackedMatrix.FromRowMajor(b.Pointer, 4, 40);
        Gemm.Multiply(a.Pointer, 4, 6, packed, without.Pointer, 40);
        Gemm.Multiply(a.Pointer, 4, 6, packed, with.Pointer, 40, bias.Pointer, 0);
        for (var i = 0; i < 240; i++)
            with.Span[i].ShouldBe(without.Span[i] + bias.Span[i % 40]);
    }

    [Fact]
    public void An_unknown_wish_for_vector_instructions_is_refused_with_the_choices() =>
        Should.Throw<PlatformNotSupportedException>(() => Simd.Choose("sse9")).Message.ShouldContain("avx512, avx2 or vector");

    internal static FloatBuffer Noise(int length, int seed)
    {
        var random = new Random(seed);
        var buffer = new FloatBuffer(length);
        for (var i = 0; i < length; i++)
            buffer.Span[i] = (float)((random.NextDouble() * 2) - 1);
        return buffer;
    }

    private static void Multiply(string path, float* a, int lda, int m, PackedMatrix b, float* c, int ldc, float* add, int ldAdd) =>
        Gemm.MultiplyPanels(Enum.Parse<SimdPath>(path), a, lda, m, b.Panels, b.K, b.K, b.N, c, ldc, add, ldAdd);
}
