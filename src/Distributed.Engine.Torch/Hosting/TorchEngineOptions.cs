using Distributed.Engine.Hosting;

namespace Distributed.Engine.Torch.Hosting;

/// <summary>In what numbers a torch engine computes.</summary>
public enum ComputeType
{
    /// <summary>Float32 throughout.</summary>
    Float32,

    /// <summary>
    /// Products in bfloat16, norms, softmax and everything that is summed up in float32. Weights and gradients are kept in float32, and the
    /// weights that leave or enter the engine are.
    /// </summary>
    BFloat16,
}

/// <summary>What a torch engine may use.</summary>
public sealed record TorchEngineOptions
{
    /// <summary>What every engine is told: threads (of the CPU), context, cache, adapter. Its storage is not looked at.</summary>
    public EngineOptions Engine { get; init; } = new();

    /// <summary>Where it computes: <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>In what numbers.</summary>
    public ComputeType Compute { get; init; }

    /// <summary>
    /// Most tokens of one forward or backward pass, padding included; a longer sequence goes alone. A step of more tokens adds up the gradients of several passes. 0
    /// takes 1,024 on a CPU and 8,192 on a GPU. When memory runs out it is halved.
    /// </summary>
    public int PassTokens { get; init; }

    /// <summary>Takes what a person should be told, a line at a time, on the engine's thread; each thing is said once.</summary>
    public Action<string>? Say { get; init; }

    /// <summary>What is wrong with the options, or null.</summary>
    internal string? Complaint() =>
        Engine.Complaint() ?? (PassTokens < 0 ? $"PassTokens is {PassTokens}; it must not be negative" : TorchRuntime.DeviceComplaint(Device));
}
