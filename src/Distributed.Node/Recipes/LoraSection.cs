namespace Distributed.Node.Recipes;

/// <summary>
/// Train a low-rank adapter and leave the model itself as it is (LoRA, Hu et al. 2021). Optimizer state and the weights that nodes exchange are the adapter's
/// alone. Every checkpoint holds the adapter in PEFT's form (model/adapter) and the model with it merged in (model).
/// </summary>
public sealed record LoraSection : IOptionSection
{
    /// <summary>Rank of the adapter's matrices.</summary>
    [Range(1, 1024)]
    public int Rank { get; init; } = 16;

    /// <summary>What the adapter adds is multiplied by alpha / rank.</summary>
    [Range(0, 1e6, AboveMin = true, BelowMax = true)]
    public double Alpha { get; init; } = 32;

    /// <summary>The projections that are adapted.</summary>
    [OneOf("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")]
    public IReadOnlyList<string> TargetModules { get; init; } = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

    /// <summary>How the frozen model is kept in memory: <c>bfloat16</c> takes half the memory, and is exact if the model's files are BF16.</summary>
    [OneOf("float32", "bfloat16")]
    public string Storage { get; init; } = "float32";
}
