using System.Diagnostics;
using System.Globalization;
using Distributed.Engine.Formats;
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Tokenizers;
using Distributed.Ports;

namespace Distributed.Benchmarks;

/// <summary>Loads and decodes a model of half a billion parameters: random BF16 weights of Qwen2.5-0.5B's shape, 988 MB, made on the spot.</summary>
internal static class LargeModelBenchmark
{
    private const int PromptTokens = 64;

    private static readonly ModelConfig s_shape = new()
    {
        Family = ModelFamily.Qwen2,
        HiddenSize = 896,
        Layers = 24,
        Heads = 14,
        KeyValueHeads = 2,
        HeadSize = 64,
        IntermediateSize = 4864,
        VocabularySize = 151_936,
        MaxPositions = 32_768,
        RopeTheta = 1e6,
        TiedHead = true,
    };

    /// <summary>Prints the time to load, the process' largest memory, and tokens a second for 1, 4 and 16 sequences.</summary>
    /// <param name="tokens">Tokens each sequence samples.</param>
    /// <param name="storage">How the engine keeps the matrices.</param>
    /// <param name="folder">An empty folder with room for a gigabyte.</param>
    public static void Run(int tokens, WeightStorage storage, string folder)
    {
        var start = Stopwatch.GetTimestamp();
        RandomModel.Write(folder, s_shape, WeightType.BF16, 1);
        WordLevelTokenizerFile.Write(Path.Combine(folder, "tokenizer.json"), ["<unk>", "<end>", "a"], ["<unk>", "<end>"], "<unk>");
        var parameters = ModelDescription.Read(folder).Parameters;
        var wholeMegabytes = parameters * 4 / 1e6;
        Say($"{parameters:N0} parameters, {wholeMegabytes:N0} MB as float32; written in {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s, memory so far {PeakMegabytes():N0} MB");

        start = Stopwatch.GetTimestamp();
        using var engine = ManagedPolicyEngine.Load(folder, new EngineOptions { Storage = storage, ContextLength = 2048, CacheBytes = 64 << 20 });
        Say($"loaded as {storage} in {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s, largest memory {PeakMegabytes():N0} MB, {PeakMegabytes() / wholeMegabytes:F2} of float32");
        foreach (var sequences in new[] { 1, 4, 16 })
            Decode(engine, sequences, tokens);
        Say($"largest memory in all {PeakMegabytes():N0} MB, {PeakMegabytes() / wholeMegabytes:F2} of float32");
    }

    private static void Decode(ManagedPolicyEngine engine, int sequences, int tokens)
    {
        var fed = Time(engine, sequences, 1, 100);
        var all = Time(engine, sequences, 1 + tokens, 200);
        Say($"{sequences,2} sequences: prompt {sequences * PromptTokens / fed,7:F1} tokens/s, decode {sequences * tokens / (all - fed),6:F1} tokens/s");
    }

    private static double Time(ManagedPolicyEngine engine, int sequences, int tokens, int salt)
    {
        var start = Stopwatch.GetTimestamp();
        using var left = new CountdownEvent(sequences);
        EngineError? error = null;
        for (var i = 0; i < sequences; i++)
        {
            var (sequence, prompt) = ((salt * 1000) + i, new int[PromptTokens]);
            for (var j = 0; j < prompt.Length; j++)
                prompt[j] = ((sequence * 7919) + (j * 104_729)) % s_shape.VocabularySize;
            engine.Generate(new GenerateRequest(sequence, prompt, new SamplingOptions(), 1, tokens, []), reply =>
            {
                error ??= reply.Error;
                engine.Release(sequence);
                left.Signal();
            });
        }

        left.Wait();
        return error is null ? Stopwatch.GetElapsedTime(start).TotalSeconds : throw new InvalidOperationException(error.Message);
    }

    // What the kernel counts as the process' most resident memory, mapped pages of files included.
    private static double PeakMegabytes()
    {
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].Trim('\t'), CultureInfo.InvariantCulture) * 1024 / 1e6;
    }

    private static void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
