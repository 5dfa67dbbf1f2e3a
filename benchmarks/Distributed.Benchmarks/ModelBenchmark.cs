#if TORCH
using System.Diagnostics;
using System.Globalization;
using Distributed.Engine.Hosting;
using Distributed.Engine.Tokenizers;
using Distributed.Engine.Torch.Hosting;
using Distributed.Ports;
using TorchSharp;

namespace Distributed.Benchmarks;

/// <summary>
/// The torch engine beside plain PyTorch: the same weights, shapes and tokens on the same device, in turn. Sampling, packed and naive scores, a training step and
/// its share of the peak of a matrix product that is measured in the same run.
/// </summary>
internal static class ModelBenchmark
{
    private const int Products = 20;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    /// <summary>Prints the table.</summary>
    /// <returns>0, 1 if the two sides do not compute the same, or 2 if there is no such device.</returns>
    public static int Run(string device, string name, string compute, int rounds, string folder)
    {
        if (TorchRuntime.DeviceComplaint(device) is { } complaint)
        {
            Console.Error.WriteLine(complaint);
            return 2;
        }

        var shape = ModelShape.Of(name);
        var threads = Environment.ProcessorCount;
        var path = Path.Combine(folder, "tokenizer.json");
        WordLevelTokenizerFile.Write(path, ["<unk>", .. Enumerable.Range(1, shape.Config.VocabularySize - 1).Select(id => $"w{id}")], [], "<unk>");
        var keys = 4L * shape.Config.Layers * shape.Config.KeyValueWidth * shape.Sequences * (shape.Prompt + shape.New + 32L);
        using var engine = TorchPolicyEngine.Random(shape.Config, 1, Tokenizer.Load(path), new TorchEngineOptions
        {
            Device = device,
            Compute = compute == "bfloat16" ? ComputeType.BFloat16 : ComputeType.Float32,
            PassTokens = shape.Batch * (shape.Length + (shape.Boundaries * shape.Span)),
            Engine = new EngineOptions { Threads = threads, CacheBytes = 2 * keys, BatchTurns = shape.Sequences, MaxSequences = shape.Sequences * 2 },
            Say = Console.Error.WriteLine,
        });
        var work = new ModelWork(engine, shape);
        var (peer, why) = EagerPyTorch.Start(Path.Combine(AppContext.BaseDirectory, "torch", "eager.py"), device, compute, threads);
        using var ends = peer;
        Console.WriteLine($"\n{name}, {compute}, on {device}: this engine on TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(2)}, libtorch {torch.__version__}; {peer?.Name ?? $"plain PyTorch not measured: {why}"}");
        if (peer is not null)
        {
            ModelWork.Await<EngineError?>(done => engine.SaveModel(folder, done), error => error);
            peer.Ask($"load {folder}");
            if (!Agree(work, peer, shape, compute)) return 1;
        }

        var (train, score) = ($"{shape.Batch} {shape.Length} {shape.Batch}", $"{shape.Batch} {shape.Length} {shape.Boundaries} {shape.Span}");
        (string Task, string Unit, double Units, Func<double> Own, string Command)[] tasks =
        [
            ($"sample, {shape.Sequences} sequences, prompt {shape.Prompt}", "tokens/s", (double)shape.Sequences * shape.New, work.Sample, $"sample {shape.Sequences} {shape.Prompt} {shape.New}"),
            ($"score packed, {shape.Boundaries} boundaries of {shape.Length}", "trajectory tokens/s", (double)shape.Batch * shape.Length, () => work.Score(packed: true).Seconds, $"score {score} packed"),
            ($"score naive, {shape.Boundaries} boundaries of {shape.Length}", "trajectory tokens/s", (double)shape.Batch * shape.Length, () => work.Score(packed: false).Seconds, $"score {score} naive"),
            ($"train, {shape.Batch} x {shape.Length}", "tokens/s", (double)shape.Batch * shape.Length, work.Train, $"train {train} 1"),
            ($"matrix product, {shape.Matrix}", "TFLOP/s", 2.0 * Math.Pow(shape.Matrix, 3) * Products / 1e12, () => work.Matmul(device, compute, Products), $"matmul {shape.Matrix} {Products}"),
        ];
        Console.WriteLine($"| {"",-38} | {"unit",-19} | {"this engine, median (range)",32} | {"plain PyTorch, median (range)",32} | {"ratio",5} |\n|{new string('-', 40)}|{new string('-', 21)}|{new string('-', 34)}|{new string('-', 34)}|{new string('-', 7)}|");
        var medians = new List<double>();
        foreach (var (task, unit, units, own, command) in tasks)
        {
            var (ours, theirs) = (new List<double>(), new List<double>());
            for (var round = -1; round < rounds; round++)
            {
                var (mine, other) = (own(), peer?.Ask(command).Seconds ?? 0);
                if (round < 0) continue;
                ours.Add(units / mine);
                if (peer is not null) theirs.Add(units / other);
            }

            medians.Add(Median(ours));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {task,-38} | {unit,-19} | {Cell(ours),32} | {Cell(theirs),32} | {(theirs.Count == 0 ? "" : $"{Median(ours) / Median(theirs):0.00}"),5} |"));
        }

        var reached = shape.TrainOperations / (shape.Batch * shape.Length) * medians[3] / 1e12;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"packed over naive scoring: {medians[1] / medians[2]:0.00}; the train step does {reached:0.000} useful TFLOP/s, {reached / medians[4]:0.0%} of the matrix product's"));
        return 0;
    }

    // Both sides on the same weights, before anything is timed.
    private static bool Agree(ModelWork work, EagerPyTorch peer, ModelShape shape, string compute)
    {
        var allowed = compute == "bfloat16" ? 2e-2 : 1e-4;
        var agree = true;
        foreach (var form in new[] { "packed", "naive" })
        {
            var (own, theirs) = (work.Score(form == "packed").Mean, peer.Ask($"score {shape.Batch} {shape.Length} {shape.Boundaries} {shape.Span} {form}").Value);
            agree &= Math.Abs(own - theirs) <= allowed;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"mean log-probability, {form}: {own:0.000000} here, {theirs:0.000000} there{(Math.Abs(own - theirs) <= allowed ? "" : " NOT EQUAL")}"));
        }

        return agree;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Cell(List<double> values) => values.Count == 0 ? ""
        : string.Create(CultureInfo.InvariantCulture, $"{Number(Median(values))} ({Number(values.Min())} - {Number(values.Max())})");

    private static string Number(double value) => value.ToString(value < 100 ? "0.00" : "N0", CultureInfo.InvariantCulture);

    /// <summary>The work, put to the engine through its port.</summary>
    private sealed class ModelWork(IPolicyEngine engine, ModelShape shape)
    {
        private readonly int _vocabulary = shape.Config.VocabularySize;
        private long _sequences;

        public double Sample()
        {
            var began = Stopwatch.GetTimestamp();
            using var done = new CountdownEvent(shape.Sequences);
            var sampled = 0;
            for (var i = 0; i < shape.Sequences; i++)
            {
                var sequence = ++_sequences;
                engine.Generate(new GenerateRequest(sequence, Tokens(i, shape.Prompt), new SamplingOptions(), (ulong)sequence, shape.New, []), reply =>
                {
                    Interlocked.Add(ref sampled, reply.Tokens.Length);
                    engine.Release(sequence);
                    done.Signal();
                });
            }

            if (!done.Wait(Limit) || sampled != shape.Sequences * shape.New) throw new InvalidOperationException($"{sampled} of {shape.Sequences * shape.New} tokens were sampled");
            return Stopwatch.GetElapsedTime(began).TotalSeconds;
        }

        public (double Seconds, double Mean) Score(bool packed)
        {
            var answer = Tokens(0, shape.Span);
            var ends = Enumerable.Range(1, shape.Boundaries).Select(i => shape.Length * i / shape.Boundaries).ToArray();
            var requests = Enumerable.Range(0, shape.Batch).SelectMany(i => packed
                ? [new ScoreRequest(Tokens(i, shape.Length), [.. ends.Select(end => new ScoreBranch(end, answer, 0, shape.Span))])]
                : ends.Select(end => new ScoreRequest(Tokens(i, end), [new ScoreBranch(end, answer, 0, shape.Span)]))).ToArray();
            var began = Stopwatch.GetTimestamp();
            using var done = new CountdownEvent(requests.Length);
            var means = new double[requests.Length];
            for (var i = 0; i < requests.Length; i++)
            {
                var index = i;
                engine.Score(requests[i], reply =>
                {
                    means[index] = reply.Error is null ? reply.MeanLogProbs.ToArray().Average() : double.NaN;
                    done.Signal();
                });
            }

            if (!done.Wait(Limit)) throw new TimeoutException("scoring did not end in time");
            return (Stopwatch.GetElapsedTime(began).TotalSeconds, means.Average());
        }

        public double Train()
        {
            var targets = Enumerable.Range(1, shape.Length).ToArray();
            var sequences = Enumerable.Range(0, shape.Batch).Select(i => new TrainSequence(Tokens(i, shape.Length + 1), targets)).ToArray();
            var began = Stopwatch.GetTimestamp();
            Await<TrainReply>(done => engine.Train(new TrainRequest(sequences, new MeanLoss(shape.Batch * shape.Length), new OptimizerOptions(1e-5f, MaxGradNorm: 1)), done), reply => reply.Error);
            return Stopwatch.GetElapsedTime(began).TotalSeconds;
        }

        // Not the engine's: what the device does at best.
        public double Matmul(string device, string compute, int times)
        {
            using var quiet = torch.no_grad();
            using var scope = torch.NewDisposeScope();
            torch.set_num_threads(Environment.ProcessorCount);
            var type = compute == "bfloat16" ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32;
            var (a, b) = ((torch.rand(shape.Matrix, shape.Matrix, device: device) - 0.5f).to(type), (torch.rand(shape.Matrix, shape.Matrix, device: device) - 0.5f).to(type));
            a.matmul(b).sum().to(torch.ScalarType.Float32).cpu();
            var began = Stopwatch.GetTimestamp();
            for (var i = 0; i < times; i++)
            {
                using var each = torch.NewDisposeScope();
                var product = a.matmul(b);
                if (i == times - 1) product.sum().to(torch.ScalarType.Float32).cpu();
            }

            return Stopwatch.GetElapsedTime(began).TotalSeconds;
        }

        public static T Await<T>(Action<Action<T>> ask, Func<T, EngineError?> errorOf)
        {
            using var done = new ManualResetEventSlim();
            T? answer = default;
            ask(reply =>
            {
                answer = reply;
                done.Set();
            });
            if (!done.Wait(Limit)) throw new TimeoutException("the engine did not answer in time");
            return errorOf(answer!) is { } error ? throw new InvalidOperationException(error.Message) : answer!;
        }

        private int[] Tokens(int sequence, int length) =>
            [.. Enumerable.Range(0, length).Select(index => (int)(((sequence * 7919L) + (index * 104729L) + ((long)sequence * index * 31) + 13) % _vocabulary))];

        private sealed class MeanLoss(int targets) : ISequenceLoss
        {
            public double Evaluate(int sequence, ReadOnlySpan<float> logProbs, Span<float> gradient)
            {
                gradient.Fill(-1f / targets);
                double sum = 0;
                foreach (var value in logProbs) sum -= value;
                return sum / targets;
            }
        }
    }
}
#endif
