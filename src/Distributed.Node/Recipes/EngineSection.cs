namespace Distributed.Node.Recipes;

/// <summary>What computes the model. Rollouts, scorers and learner may have engines of their own; where they differ, correct by <c>rollout_is</c>.</summary>
[Shorthand("name")]
public sealed record EngineSection : IOptionSection
{
    /// <summary>
    /// The engine: <c>managed</c> is pure C# on the CPU and runs anywhere; <c>torch</c> is TorchSharp and needs a libtorch (docs/gpu.md); <c>auto</c> is torch if it sees a
    /// CUDA device, else managed.
    /// </summary>
    [OneOf("managed", "torch", "auto")]
    public string Name { get; init; } = "managed";

    /// <summary>Where torch computes: <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    [AppliesTo("torch"), DefaultIs("cuda if torch sees one, else cpu")]
    public string? Device { get; init; }

    /// <summary>In what numbers torch computes its products. Weights, gradients and optimizer are float32 either way.</summary>
    [OneOf("float32", "bfloat16"), AppliesTo("torch"), DefaultIs("float32")]
    public string? Dtype { get; init; }

    /// <summary>Most tokens of one forward or backward pass of torch; a step of more adds up the gradients of several. Halved by itself when memory runs out.</summary>
    [Range(1, 1 << 24), AppliesTo("torch"), DefaultIs("1024 on a CPU, 8192 on a GPU")]
    public int? PassTokens { get; init; }

    /// <summary>Another engine for rollout nodes: <c>managed</c>, <c>torch</c>, or torch on a device (<c>torch@cuda:1</c>).</summary>
    [DefaultIs("name")]
    public string? Rollout { get; init; }

    /// <summary>Another engine for scorer nodes, written as <c>rollout</c> is.</summary>
    [DefaultIs("name")]
    public string? Scorer { get; init; }

    /// <summary>Another engine for the learner, written as <c>rollout</c> is.</summary>
    [DefaultIs("name")]
    public string? Learner { get; init; }
}
