using System.Diagnostics;
using System.Globalization;
using Distributed.Engine.Kernels;

namespace Distributed.Benchmarks;

/// <summary>
/// Matrix products beside the processor's peak, on one thread and on as many as there are cores, each thread with rows of its own as in a
/// training step. Peak and products take turns, so that clock changes hit both.
/// </summary>
internal static unsafe class GemmBenchmark
{
    private const int Rounds = 9;
    private static readonly (int M, int K, int N)[] s_shapes =
    [
        (256, 128, 256), (256, 128, 704), (256, 352, 128), (512, 512, 2816), (4096, 128, 256), (4096, 128, 704), (4096, 352, 128), (4096, 256, 1408), (2048, 512, 2816), (2048, 2048, 2048), (8, 128, 704),
    ];

    public static void Run(double seconds)
    {
        foreach (var threads in new[] { 1, Environment.ProcessorCount }.Distinct())
        {
            using var pool = new ComputePool(threads);
            var first = Peak(pool, seconds);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"\n{threads} thread(s), {Simd.Path}; peak {first:N1} GFLOP/s; products in GFLOP/s: best (% of the best peak beside it); median (median % of the peaks beside it)"));
            Console.WriteLine("| MxKxN | NN | NN prepacked | NT | TN (+=) |");
            Console.WriteLine("|---|---|---|---|---|");
            foreach (var (m, k, n) in s_shapes)
            {
                Console.WriteLine($"| {m}x{k}x{n} | " + string.Join(" | ", Enum.GetValues<Form>().Select(form => Cell(pool, form, m, k, n, seconds))) + " |");
            }
        }
    }

    private enum Form
    {
        Plain,
        Prepacked,
        Transposed,
        Gradient,
    }

    private static string Cell(ComputePool pool, Form form, int m, int k, int n, double seconds)
    {
        var (speeds, peaks) = (new List<double>(), new List<double>());
        var rows = (m + pool.Threads - 1) / pool.Threads;
        using var product = new Product(pool.Threads, form, rows, k, n);
        var work = 2.0 * rows * pool.Threads * k * n / 1e9;
        for (var round = 0; round <= Rounds; round++)
        {
            var peak = Peak(pool, seconds / 4);
            var speed = work * Rate(pool, product.Run, seconds);
            if (round == 0) continue;
            speeds.Add(speed);
            peaks.Add(peak);
        }

        return string.Create(CultureInfo.InvariantCulture, $"{speeds.Max():N0} ({100 * speeds.Max() / peaks.Max():N0} %); {Median(speeds):N0} ({100 * Median([.. speeds.Zip(peaks, (speed, peak) => speed / peak)]):N0} %)");
    }

    private static double Peak(ComputePool pool, double seconds) =>
        PeakLoop.Work(20_000) * pool.Threads * Rate(pool, _ => PeakLoop.Run(20_000), seconds);

    // Calls a second of every thread, until the time is up.
    private static double Rate(ComputePool pool, Action<int> work, double seconds)
    {
        var rates = new double[pool.Threads];
        pool.Run(thread =>
        {
            var began = Stopwatch.GetTimestamp();
            long calls = 0, batch = 1;
            double elapsed;
            for (; ; )
            {
                for (var i = 0; i < batch; i++) work(thread);
                calls += batch;
                elapsed = Stopwatch.GetElapsedTime(began).TotalSeconds;
                if (elapsed >= seconds) break;
                if (elapsed < seconds / 64) batch *= 2;
            }

            rates[thread] = calls / elapsed;
        });
        return rates.Average();
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    // Every thread has its rows of A and C; in the gradient's form its own k rows of both sides and its own C.
    private sealed class Product : IDisposable
    {
        private readonly Form _form;
        private readonly int _m;
        private readonly int _k;
        private readonly int _n;
        private readonly FloatBuffer[] _a;
        private readonly FloatBuffer[] _c;
        private readonly FloatBuffer _b;
        private readonly PackedMatrix[] _packed;

        public Product(int threads, Form form, int m, int k, int n)
        {
            (_form, _m, _k, _n) = (form, m, k, n);
            _a = [.. Enumerable.Range(0, threads).Select(_ => Random((long)m * k))];
            _c = [.. Enumerable.Range(0, threads).Select(_ => new FloatBuffer(form == Form.Gradient ? (long)k * n : (long)m * n))];
            _b = Random(form == Form.Gradient ? (long)m * n : (long)k * n);
            _packed = form == Form.Gradient ? [] : [.. Enumerable.Range(0, threads).Select(_ => PackedMatrix.FromRowMajor(_b.Pointer, k, n))];
        }

        public void Run(int thread)
        {
            float* a = _a[thread].Pointer, c = _c[thread].Pointer;
            switch (_form)
            {
                case Form.Plain:
                    _packed[thread].RepackRowMajor(_b.Pointer, _n);
                    Gemm.Multiply(a, _k, _m, _packed[thread], c, _n);
                    break;
                case Form.Prepacked:
                    Gemm.Multiply(a, _k, _m, _packed[0], c, _n);
                    break;
                case Form.Transposed:
                    _packed[thread].RepackLinear(_b.Pointer);
                    Gemm.Multiply(a, _k, _m, _packed[thread], c, _n);
                    break;
                default:
                    // The weight gradient [K, N] of m rows: the depth of the product is m.
                    Gemm.AccumulateTransposed(a, _k, _k, _b.Pointer, _n, _n, _m, c, _n);
                    break;
            }
        }

        public void Dispose()
        {
            foreach (var buffer in _a.Concat(_c)) buffer.Dispose();
            foreach (var packed in _packed) packed.Dispose();
            _b.Dispose();
        }

        private static FloatBuffer Random(long count)
        {
            var buffer = new FloatBuffer(count);
            var random = new Random(1);
            for (long i = 0; i < count; i++) buffer.Pointer[i] = random.NextSingle() - 0.5f;
            return buffer;
        }
    }
}
