namespace Distributed.Node.Recipes;

/// <summary>What computes the model.</summary>
[Shorthand("name")]
public sealed record EngineSection : IOptionSection
{
    /// <summary>The engine: <c>managed</c> is pure C# on the CPU and runs anywhere.</summary>
    [OneOf("managed")]
    public string Name { get; init; } = "managed";
}
