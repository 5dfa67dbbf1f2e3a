#if TORCH
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Tokenizers;
using Distributed.Engine.Torch.Hosting;
using Distributed.Environments;
using Distributed.Ports;

namespace Distributed.Benchmarks;

/// <summary>The torch engine on a device beside the managed one on all cores: first whether they agree, then how fast they are.</summary>
internal static class TorchBenchmark
{
    /// <summary>Runs both.</summary>
    /// <param name="device">Where torch computes.</param>
    /// <param name="shape">S, M or L.</param>
    /// <param name="rounds">Rounds of the timing.</param>
    /// <param name="folder">A scratch folder.</param>
    /// <returns>0, or 1 if the engines do not agree, or 2 if there is no such device.</returns>
    public static int Run(string device, string shape, int rounds, string folder)
    {
        if (TorchRuntime.DeviceComplaint(device) is { } complaint)
        {
            Console.Error.WriteLine(complaint);
            return 2;
        }

        var path = Path.Combine(folder, "tokenizer.json");
        WordLevelTokenizerFile.Write(path, SearchVocabulary.Words, SearchVocabulary.Specials, SearchVocabulary.Unknown);
        var tokenizer = Tokenizer.Load(path);
        if (!TorchParity.Check(device, tokenizer))
            return 1;

        var config = ComparisonShape.Of(shape);
        using var managed = ManagedPolicyEngine.Random(config, 1, tokenizer, new EngineOptions());
        using var exact = Open(config, tokenizer, device, ComputeType.Float32);
        // On a CPU bfloat16 is emulated and only slow.
        using var narrow = device == "cpu" ? null : Open(config, tokenizer, device, ComputeType.BFloat16);
        Print("train", engine => engine.Train);
        Print("score", engine => engine.ScorePacked);
        Print("rollout", engine => engine.Rollout);
        return 0;

        void Print(string task, Func<EngineWorkloads, Func<long>> work) => PairedRounds.Print($"{task}, shape {shape}, a step of 256 episodes", "tokens/s", PairedRounds.Measure(
            rounds,
            [
                new Contender("managed, float32, all cores", work(new EngineWorkloads(managed))),
                new Contender($"torch, float32, {device}", work(new EngineWorkloads(exact))),
                .. narrow is null ? Array.Empty<Contender>() : [new Contender($"torch, bfloat16, {device}", work(new EngineWorkloads(narrow)))],
            ]));
    }

    private static TorchPolicyEngine Open(ModelConfig config, ITokenizer tokenizer, string device, ComputeType compute) =>
        TorchPolicyEngine.Random(config, 1, tokenizer, new TorchEngineOptions { Device = device, Compute = compute, Say = Console.Error.WriteLine });
}
#endif
