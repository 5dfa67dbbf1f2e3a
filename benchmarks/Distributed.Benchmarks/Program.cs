using System.Globalization;
using Distributed.Benchmarks;
using Distributed.Engine.Hosting;

// dotnet run -c Release --project benchmarks/Distributed.Benchmarks -- [phases [ROUNDS] | gemm [SECONDS] | long [SHAPE] | serve THREADS | large [TOKENS] [float32 | bfloat16] | tokenizer FILE... | credit [ROUNDS] | coordinator [SECONDS] | weights [MIB] [ROUNDS] [RANGE_KIB] | torch [DEVICE] [SHAPE] [ROUNDS] | model [DEVICE] [NAME] [float32 | bfloat16] [ROUNDS]]
var command = args.Length > 0 ? args[0] : "phases";
var number = args.Length > 1 && command is not ("tokenizer" or "long" or "torch" or "model") ? double.Parse(args[1], CultureInfo.InvariantCulture) : 0;
var folder = Directory.CreateTempSubdirectory("distributed-benchmarks-");
try
{
    switch (command)
    {
        case "phases":
            PhaseBenchmark.Run(number > 0 ? (int)number : 7, folder.FullName);
            return 0;
        case "gemm":
            GemmBenchmark.Run(number > 0 ? number : 0.3);
            return 0;
        case "long":
            LongSequences.Run(args.Length > 1 ? args[1] : "S");
            return 0;
        case "serve":
            using (var server = new ComparisonServer(number > 0 ? (int)number : Environment.ProcessorCount))
                server.Serve(Console.In, Console.Out);
            return 0;
        case "credit":
            CreditBenchmark.Run(number > 0 ? (int)number : 5);
            return 0;
        case "coordinator":
            CoordinatorBenchmark.Run(number > 0 ? (int)number : 10);
            return 0;
        case "torch":
#if TORCH
            return TorchBenchmark.Run(
                args.Length > 1 ? args[1] : "cpu", args.Length > 2 ? args[2] : "S", args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : 5, folder.FullName);
#else
            Console.Error.WriteLine("this program was built without TorchSharp (docs/gpu.md)");
            return 2;
#endif
        case "model":
#if TORCH
            return ModelBenchmark.Run(
                args.Length > 1 ? args[1] : "cpu", args.Length > 2 ? args[2] : "tiny", args.Length > 3 ? args[3] : "bfloat16",
                args.Length > 4 ? int.Parse(args[4], CultureInfo.InvariantCulture) : 5, folder.FullName);
#else
            Console.Error.WriteLine("this program was built without TorchSharp (docs/gpu.md)");
            return 2;
#endif
        case "tokenizer":
            TokenizerBenchmark.Run(args.Skip(1));
            return 0;
        case "weights":
            WeightSpreadBenchmark.Run(number > 0 ? (int)number : 64, args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 5, args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : 0);
            return 0;
        case "large":
            LargeModelBenchmark.Run(number > 0 ? (int)number : 24, args.Length > 2 && args[2] == "float32" ? WeightStorage.Float32 : WeightStorage.BFloat16, folder.FullName);
            return 0;
        default:
            Console.Error.WriteLine($"'{command}' is no benchmark; write phases, gemm, long, serve, large, tokenizer, credit, coordinator, weights, torch or model");
            return 2;
    }
}
finally
{
    folder.Delete(recursive: true);
}
