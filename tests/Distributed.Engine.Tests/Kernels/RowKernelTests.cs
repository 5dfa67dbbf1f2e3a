using Distributed.Engine.Kernels;

namespace Distributed.Engine.Tests.Kernels;

public sealed unsafe class RowKernelTests
{
    private static readonly int[] s_widths = [1, 3, 8, 15, 16, 17, 33, 64, 100, 128];

    public static TheoryData<string> Paths() => GemmTests.Paths();

    [Theory, MemberData(nameof(Paths))]
    public void Exponentials_are_right_to_a_few_units_in_the_last_place(string path)
    {
        using var x = new FloatBuffer(2000);
        for (var i = 0; i < 2000; i++)
            x.Span[i] = -59f + (i * 0.07f);
        var wanted = x.Span.ToArray().Select(v => Math.Exp(v)).ToArray();
        Exponentiate(path, x.Pointer, 2000, 2000, 1f, 0f);
        for (var i = 0; i < 2000; i++)
            (x.Span[i] / wanted[i]).ShouldBe(1.0, 3e-7, $"at {-59f + (i * 0.07f)}");
    }

    [Theory, MemberData(nameof(Paths))]
    public void A_softmax_row_sums_and_pads_with_zeros(string path)
    {
        foreach (var width in s_widths)
        {
            using var x = GemmTests.Noise(width + 40, width);
            var wanted = x.Span[..width].ToArray().Select(v => Math.Exp(0.7 * (v - 1.0))).ToArray();
            var sum = Exponentiate(path, x.Pointer, width, width + 20, 0.7f, 1f);
            ((double)sum).ShouldBe(wanted.Sum(), 1e-5);
            for (var i = 0; i < width; i++)
                ((double)x.Span[i]).ShouldBe(wanted[i], 1e-6);
            x.Span.Slice(width, 20).ToArray().ShouldAllBe(v => v == 0f);
            x.Span[width + 20].ShouldNotBe(0f);
        }
    }

    [Fact]
    public void The_largest_element_is_found_wherever_it_is()
    {
        foreach (var width in s_widths)
            for (var at = 0; at < width; at++)
            {
                using var x = GemmTests.Noise(width, 3);
                x.Span[at] = 5f;
                Softmax.Max<LaneAny>(x.Pointer, width).ShouldBe(5f);
                if (Simd.IsSupported(SimdPath.Avx2))
                    Softmax.Max<Lane256>(x.Pointer, width).ShouldBe(5f);
                if (Simd.IsSupported(SimdPath.Avx512))
                    Softmax.Max<Lane512>(x.Pointer, width).ShouldBe(5f);
            }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Entropy_comes_with_the_exponentials(string path)
    {
        foreach (var width in s_widths)
        {
            using var x = GemmTests.Noise(width, width + 7);
            var e = x.Span.ToArray().Select(v => Math.Exp(v)).ToArray();
            var entropy = -e.Sum(v => v / e.Sum() * Math.Log(v / e.Sum()));
            var max = x.Span.ToArray().Max();
            var sum = path switch
            {
                nameof(SimdPath.Avx512) => Softmax.WithEntropy<Lane512>(x.Pointer, width, max, out var w) is var s ? (s, w) : default,
                nameof(SimdPath.Avx2) => Softmax.WithEntropy<Lane256>(x.Pointer, width, max, out var w) is var s ? (s, w) : default,
                _ => Softmax.WithEntropy<LaneAny>(x.Pointer, width, max, out var w) is var s ? (s, w) : default,
            };
            (Math.Log(sum.s) - (sum.w / (double)sum.s)).ShouldBe(entropy, 1e-5);
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Normalised_rows_and_their_gradient_equal_float64(string path)
    {
        foreach (var width in s_widths)
        {
            const int Rows = 3;
            using var x = GemmTests.Noise(Rows * width, 1);
            using var weight = GemmTests.Noise(width, 2);
            using var dy = GemmTests.Noise(Rows * width, 3);
            using var y = new FloatBuffer(Rows * width);
            using var dx = new FloatBuffer(Rows * width);
            using var dWeight = new FloatBuffer(width);
            using var inverse = new FloatBuffer(Rows);
            switch (path)
            {
                case nameof(SimdPath.Avx512): Run<Lane512>(); break;
                case nameof(SimdPath.Avx2): Run<Lane256>(); break;
                default: Run<LaneAny>(); break;
            }

            for (var row = 0; row < Rows; row++)
            {
                double[] xs = Row(x, row, width), ds = Row(dy, row, width), ws = Row(weight, 0, width);
                var r = 1 / Math.Sqrt(xs.Average(v => v * v) + 1e-5);
                var mean = xs.Zip(ds, ws).Average(t => t.First * t.Second * t.Third);
                for (var i = 0; i < width; i++)
                {
                    ((double)y.Span[(row * width) + i]).ShouldBe(ws[i] * xs[i] * r, 2e-6 * r);
                    ((double)dx.Span[(row * width) + i]).ShouldBe((r * ws[i] * ds[i]) - (r * r * r * xs[i] * mean), 4e-6 * r * r);
                }
            }

            void Run<T>()
                where T : struct, ILane<T>
            {
                RmsNorm.Forward<T>(x.Pointer, width, Rows, width, weight.Pointer, 1e-5f, y.Pointer, width, inverse.Pointer);
                RmsNorm.Backward<T>(
                    dy.Pointer, width, x.Pointer, width, Rows, width, weight.Pointer, inverse.Pointer, dx.Pointer, width, true, dWeight.Pointer);
            }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Gated_units_and_their_gradient_equal_float64(string path)
    {
        foreach (var width in s_widths)
        {
            const int Rows = 3;
            using var gateUp = GemmTests.Noise(Rows * 2 * width, 4);
            using var dy = GemmTests.Noise(Rows * width, 5);
            using var y = new FloatBuffer(Rows * width);
            var before = gateUp.Span.ToArray();
            var gradient = dy.Span.ToArray();
            switch (path)
            {
                case nameof(SimdPath.Avx512): Run<Lane512>(); break;
                case nameof(SimdPath.Avx2): Run<Lane256>(); break;
                default: Run<LaneAny>(); break;
            }

            for (var row = 0; row < Rows; row++)
                for (var i = 0; i < width; i++)
                {
                    double g = before[(row * 2 * width) + i], u = before[(row * 2 * width) + width + i], d = gradient[(row * width) + i];
                    var s = 1 / (1 + Math.Exp(-g));
                    ((double)y.Span[(row * width) + i]).ShouldBe(g * s * u, 1e-6);
                    ((double)dy.Span[(row * width) + i]).ShouldBe(g * s * u, 1e-6);
                    ((double)gateUp.Span[(row * 2 * width) + i]).ShouldBe(d * u * s * (1 + (g * (1 - s))), 1e-6);
                    ((double)gateUp.Span[(row * 2 * width) + width + i]).ShouldBe(d * g * s, 1e-6);
                }

            void Run<T>()
                where T : struct, ILane<T>
            {
                SwiGlu.Forward<T>(gateUp.Pointer, 2 * width, Rows, width, y.Pointer, width);
                SwiGlu.Backward<T>(dy.Pointer, width, gateUp.Pointer, 2 * width, Rows, width);
            }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Turning_there_and_back_changes_nothing(string path)
    {
        foreach (var headSize in new[] { 2, 6, 16, 32, 48, 64 })
        {
            const int Rows = 4, Heads = 3;
            var half = headSize / 2;
            using var x = GemmTests.Noise(Rows * Heads * headSize, 6);
            using var cosines = new FloatBuffer(10 * half);
            using var sines = new FloatBuffer(10 * half);
            for (var i = 0; i < 10 * half; i++)
                (sines.Span[i], cosines.Span[i]) = MathF.SinCos(i * 0.37f);
            var before = x.Span.ToArray();
            int[] positions = [9, 0, 4, 4];
            fixed (int* at = positions)
            {
                Apply(path, x, at, false);
                for (var row = 0; row < Rows; row++)
                    for (var i = 0; i < Heads * headSize; i++)
                    {
                        var angle = ((positions[row] * half) + (i % headSize % half)) * 0.37;
                        var low = i % headSize < half;
                        double self = before[(row * Heads * headSize) + i];
                        double other = before[(row * Heads * headSize) + i + (low ? half : -half)];
                        var want = (self * Math.Cos(angle)) + (other * Math.Sin(angle) * (low ? -1 : 1));
                        ((double)x.Span[(row * Heads * headSize) + i]).ShouldBe(want, 1e-5);
                    }

                Apply(path, x, at, true);
            }

            for (var i = 0; i < before.Length; i++)
                x.Span[i].ShouldBe(before[i], 1e-5f);

            void Apply(string way, FloatBuffer rows, int* at, bool back)
            {
                var stride = Heads * headSize;
                if (way == nameof(SimdPath.Avx512))
                    Rotary.Apply<Lane512>(rows.Pointer, stride, Rows, Heads, headSize, at, cosines.Pointer, sines.Pointer, back);
                else if (way == nameof(SimdPath.Avx2))
                    Rotary.Apply<Lane256>(rows.Pointer, stride, Rows, Heads, headSize, at, cosines.Pointer, sines.Pointer, back);
                else
                    Rotary.Apply<LaneAny>(rows.Pointer, stride, Rows, Heads, headSize, at, cosines.Pointer, sines.Pointer, back);
            }
        }
    }

    private static double[] Row(FloatBuffer buffer, int row, int width) =>
        buffer.Span.Slice(row * width, width).ToArray().Select(v => (double)v).ToArray();

    private static float Exponentiate(string path, float* x, int count, int padded, float scale, float max) => path switch
    {
        nameof(SimdPath.Avx512) => Softmax.Exponentiate<Lane512>(x, count, padded, scale, max),
        nameof(SimdPath.Avx2) => Softmax.Exponentiate<Lane256>(x, count, padded, scale, max),
        _ => Softmax.Exponentiate<LaneAny>(x, count, padded, scale, max),
    };
}
