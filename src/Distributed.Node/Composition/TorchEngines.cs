using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Ports;
#if TORCH
using Distributed.Engine.Torch.Hosting;
#endif

namespace Distributed.Node.Composition;

/// <summary>The one place that names the torch engine: a build without TorchSharp has none, and says so.</summary>
internal static class TorchEngines
{
#if TORCH
    /// <summary>Why there can be no engine on a device, in one line; null if there can.</summary>
    public static string? Complaint(string? device) => device is null ? TorchRuntime.Complaint : TorchRuntime.DeviceComplaint(device);

    /// <summary>Whether torch sees a CUDA device.</summary>
    public static bool HasCuda => TorchRuntime.HasCuda;

    /// <summary>An engine on given weights.</summary>
    public static QueuedPolicyEngine FromWeights(
        EngineChoice choice, ModelConfig config, ReadOnlySpan<byte> weights, ITokenizer tokenizer, EngineOptions options, Action<string>? say) =>
        TorchPolicyEngine.FromWeights(config, weights, tokenizer, Options(choice, options, say));

    /// <summary>An engine on a folder.</summary>
    public static QueuedPolicyEngine Load(EngineChoice choice, string folder, EngineOptions options, Action<string>? say) =>
        TorchPolicyEngine.Load(folder, Options(choice, options, say));

    private static TorchEngineOptions Options(EngineChoice choice, EngineOptions options, Action<string>? say) => new()
    {
        Engine = options,
        Device = choice.Device ?? (HasCuda ? "cuda" : "cpu"),
        Compute = choice.Dtype == "bfloat16" ? ComputeType.BFloat16 : ComputeType.Float32,
        PassTokens = choice.PassTokens,
        Say = say,
    };
#else
    /// <summary>Why there can be no engine, in one line.</summary>
    public static string? Complaint(string? device) =>
        "this program was built without TorchSharp, which the package feed did not have; build where it can be restored (docs/gpu.md), or use --engine managed";

    /// <summary>There is no torch that could see one.</summary>
    public static bool HasCuda => false;

    /// <summary>Refuses.</summary>
    public static QueuedPolicyEngine FromWeights(
        EngineChoice choice, ModelConfig config, ReadOnlySpan<byte> weights, ITokenizer tokenizer, EngineOptions options, Action<string>? say) =>
        throw new RefusedException(Complaint(choice.Device)!);

    /// <summary>Refuses.</summary>
    public static QueuedPolicyEngine Load(EngineChoice choice, string folder, EngineOptions options, Action<string>? say) =>
        throw new RefusedException(Complaint(choice.Device)!);
#endif
}
