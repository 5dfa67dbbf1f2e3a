using Distributed.Engine.Formats;
using Distributed.Engine.Kernels;
using Distributed.Engine.Model;

namespace Distributed.Engine.Tests.Kernels;

public sealed unsafe class GemmHalfTests
{
    public static TheoryData<string> Paths() => GemmTests.Paths();

    [Theory, MemberData(nameof(Paths))]
    public void A_product_with_bfloat16_has_the_bits_of_the_product_with_the_same_floats(string path)
    {
        var simd = Enum.Parse<SimdPath>(path);
        foreach (var (k, n) in new[] { (1, 1), (7, 3), (64, 96), (129, 83), (300, 32) })
        {
            using var weight = Noise(n * k, 1);
            using var words = Round(weight);
            using var half = new HalfPanels(k, n, simd);
            half.PackLinear((ushort*)words.Pointer, 0, n);
            using var full = PackedMatrix.FromLinear(weight.Pointer, n, k);
            foreach (var m in new[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 40 })
            {
                using var a = Noise(m * (k + 3), 2);
                using var add = Noise(m * n, 3);
                using var c = new FloatBuffer(m * (n + 5));
                using var wanted = new FloatBuffer(m * (n + 5));
                GemmHalf.Multiply(a.Pointer, k + 3, m, half, 0, n, c.Pointer, n + 5, add.Pointer, n);
                Gemm.MultiplyPanels(simd, a.Pointer, k + 3, m, full.Panels, k, k, n, wanted.Pointer, n + 5, add.Pointer, n);
                c.Span.SequenceEqual(wanted.Span).ShouldBeTrue($"{m}x{k}x{n}");
            }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Columns_and_transposes_give_the_values_back(string path)
    {
        const int K = 70, N = 45;
        using var weight = Noise(N * K, 4);
        using var words = Round(weight);
        using var half = new HalfPanels(K, N, Enum.Parse<SimdPath>(path));
        half.PackLinear((ushort*)words.Pointer, 0, 20);
        half.PackLinear((ushort*)words.Pointer + (20 * K), 20, N - 20);
        using var transposed = new HalfPanels(N, K, Enum.Parse<SimdPath>(path));
        transposed.PackTransposed(half);
        using var column = new FloatBuffer(Math.Max(K, N));
        for (var n = 0; n < N; n++)
        {
            half.ReadColumn(n, column.Pointer);
            column.Span[..K].SequenceEqual(weight.Span.Slice(n * K, K)).ShouldBeTrue();
        }

        for (var k = 0; k < K; k++)
        {
            transposed.ReadColumn(k, column.Pointer);
            for (var n = 0; n < N; n++)
                column.Span[n].ShouldBe(weight.Span[(n * K) + k]);
        }
    }

    [Fact]
    public void A_term_adds_the_product_of_its_two_matrices_whatever_columns_are_asked_for()
    {
        const int M = 300, K = 50, N = 100, R = 5;
        using var a = Noise(M * K, 5);
        using var b = Noise(K * N, 6);
        using var down = Noise(K * R, 7);
        using var up = Noise(R * N, 8);
        using var matrix = PackedMatrix.FromRowMajor(b.Pointer, K, N);
        matrix.Term = new LowRankTerm(PackedMatrix.FromRowMajor(down.Pointer, K, R), PackedMatrix.FromRowMajor(up.Pointer, R, N));
        using var all = new FloatBuffer(M * N);
        using var parts = new FloatBuffer(M * N);
        Gemm.Multiply(a.Pointer, K, M, matrix, all.Pointer, N);
        foreach (var (column, columns) in new[] { (0, 32), (32, 64), (96, 4) })
            Gemm.MultiplyColumns(a.Pointer, K, M, matrix, column, columns, parts.Pointer + column, N);
        parts.Span.SequenceEqual(all.Span).ShouldBeTrue();
        for (var j = 0; j < N; j++)
        {
            double wanted = 0;
            for (var k = 0; k < K; k++)
            {
                double sum = b.Span[(k * N) + j];
                for (var r = 0; r < R; r++)
                    sum += (double)down.Span[(k * R) + r] * up.Span[(r * N) + j];
                wanted += a.Span[((M - 1) * K) + k] * sum;
            }

            ((double)all.Span[((M - 1) * N) + j]).ShouldBe(wanted, 1e-4);
        }
    }

    [Fact]
    public void Narrowing_rounds_to_nearest_and_ties_to_even()
    {
        WeightTypes.ToBFloat16(1f).ShouldBe((ushort)0x3F80);
        WeightTypes.ToBFloat16(BitConverter.UInt32BitsToSingle(0x3F808000)).ShouldBe((ushort)0x3F80);
        WeightTypes.ToBFloat16(BitConverter.UInt32BitsToSingle(0x3F808001)).ShouldBe((ushort)0x3F81);
        WeightTypes.ToBFloat16(BitConverter.UInt32BitsToSingle(0x3F818000)).ShouldBe((ushort)0x3F82);
        WeightTypes.ToBFloat16(-2.5f).ShouldBe((ushort)0xC020);
    }

    private static FloatBuffer Noise(int count, ulong seed)
    {
        var buffer = new FloatBuffer(count);
        var random = new GaussianStream(seed);
        foreach (ref var value in buffer.Span)
            value = (float)random.Next();
        return buffer;
    }

    // Rounds in place; the result holds the words.
    private static FloatBuffer Round(FloatBuffer floats)
    {
        var words = new FloatBuffer((floats.Length + 1) / 2);
        WeightTypes.FromFloats(floats.Pointer, WeightType.BF16, (byte*)words.Pointer, floats.Length).ShouldBeTrue();
        WeightTypes.ToFloats((byte*)words.Pointer, WeightType.BF16, floats.Pointer, floats.Length);
        return words;
    }
}
