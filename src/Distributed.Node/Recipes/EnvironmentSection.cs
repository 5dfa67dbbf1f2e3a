namespace Distributed.Node.Recipes;

/// <summary>
/// The world the agent acts in: the generated search world, one's own questions and passages as JSONL, or a class of one's own.
/// </summary>
[Shorthand("name")]
public sealed record EnvironmentSection : IOptionSection
{
    /// <summary>Which built-in environment; left out when <c>assembly</c> and <c>type</c> name one's own.</summary>
    [OneOf("search-world", "jsonl"), DefaultIs("`search-world`, unless `assembly` is given")]
    public string? Name { get; init; }

    /// <summary>Difficulty of the generated world, easiest first.</summary>
    [Range(1, 9), DefaultIs("`1`"), AppliesTo("search-world")]
    public int? Level { get; init; }

    /// <summary>Seed of the generated world, apart from the run's.</summary>
    [Range(0, 1L << 53), DefaultIs("`1`"), AppliesTo("search-world")]
    public long? WorldSeed { get; init; }

    /// <summary>Share of questions that need 1, 2, 3.. look-ups, while training; the shares sum to 1.</summary>
    [Range(0, 1), DefaultIs("equal shares"), AppliesTo("search-world")]
    public IReadOnlyList<double>? TrainMix { get; init; }

    /// <summary>The same for held-out questions.</summary>
    [Range(0, 1), DefaultIs("as the world has it"), AppliesTo("search-world")]
    public IReadOnlyList<double>? HeldOutMix { get; init; }

    /// <summary>Questions to learn from: JSONL with <c>question</c> and <c>golden_answers</c>.</summary>
    [Path, AppliesTo("jsonl")]
    public string? Train { get; init; }

    /// <summary>Questions never learnt from, in the same form.</summary>
    [Path, AppliesTo("jsonl")]
    public string? HeldOut { get; init; }

    /// <summary>Passages to search: JSONL with <c>id</c> and <c>contents</c>.</summary>
    [Path, AppliesTo("jsonl")]
    public string? Corpus { get; init; }

    /// <summary>Passages a search returns.</summary>
    [Range(1, 100), DefaultIs("as the environment has it"), AppliesTo("search-world", "jsonl")]
    public int? TopK { get; init; }

    /// <summary>How an answer is judged: exact match after SQuAD's normalisation, or the overlap of its words.</summary>
    [OneOf("exact_match", "f1"), DefaultIs("`exact_match`"), AppliesTo("search-world", "jsonl")]
    public string? Reward { get; init; }

    /// <summary>The library with an environment of one's own.</summary>
    [Path]
    public string? Assembly { get; init; }

    /// <summary>Full name of its class; it implements IEnvironment.</summary>
    public string? Type { get; init; }

    /// <summary>Options handed to that class by name.</summary>
    public IReadOnlyDictionary<string, string>? Options { get; init; }
}
