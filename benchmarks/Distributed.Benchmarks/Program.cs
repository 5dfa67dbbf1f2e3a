using System.Globalization;
using Distributed.Benchmarks;

// dotnet run -c Release --project benchmarks/Distributed.Benchmarks -- [phases [ROUNDS] | gemm [SECONDS] | long [SHAPE] | serve THREADS]
var command = args.Length > 0 ? args[0] : "phases";
var number = args.Length > 1 && command != "long" ? double.Parse(args[1], CultureInfo.InvariantCulture) : 0;
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
        default:
            Console.Error.WriteLine($"'{command}' is no benchmark; write phases, gemm, long or serve");
            return 2;
    }
}
finally
{
    folder.Delete(recursive: true);
}
