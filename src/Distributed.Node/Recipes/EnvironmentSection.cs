namespace Distributed.Node.Recipes;

/// <summary>
/// The world the agent acts in: the generated search world, generated arithmetic problems, one's own questions as JSONL, or a class of one's own
/// (docs/environments.md).
/// </summary>
[Shorthand("name")]
public sealed record EnvironmentSection : IOptionSection
{
    /// <summary>Which built-in environment; left out when <c>assembly</c> and <c>type</c> name one's own.</summary>
    [OneOf("search-world", "arithmetic", "jsonl-search", "jsonl-code"), DefaultIs("`search-world`, unless `assembly` is given")]
    public string? Name { get; init; }

    /// <summary>Difficulty of the generated world; each level is a preset of the options below and makes one thing harder than level 1.</summary>
    [Range(1, 6), DefaultIs("`1`"), AppliesTo("search-world")]
    public int? Level { get; init; }

    /// <summary>Seed of the world's facts and questions, apart from the run's.</summary>
    [Range(0, 1L << 53), DefaultIs("`1`"), AppliesTo("search-world", "arithmetic")]
    public long? Seed { get; init; }

    /// <summary>Facts of one passage: 2, 4, 8 or 16.</summary>
    [Range(2, 16), DefaultIs("the level's"), AppliesTo("search-world")]
    public int? FactsPerPassage { get; init; }

    /// <summary>The facts beside the one asked for have values of the same kind, so that only the relation tells them apart.</summary>
    [DefaultIs("the level's"), AppliesTo("search-world")]
    public bool? SameKind { get; init; }

    /// <summary>Questions as fields of fixed width, or as sentences of several shapes.</summary>
    [OneOf("fixed", "varied"), DefaultIs("the level's"), AppliesTo("search-world")]
    public string? Wording { get; init; }

    /// <summary>A reply also shows a passage about a similar name.</summary>
    [DefaultIs("the level's"), AppliesTo("search-world")]
    public bool? SimilarNames { get; init; }

    /// <summary>Wordings of a relation; with 2 the question's may not be the passage's, and the search then finds nothing.</summary>
    [Range(1, 2), DefaultIs("the level's"), AppliesTo("search-world")]
    public int? Wordings { get; init; }

    /// <summary>Relations a question has room for.</summary>
    [Range(1, 5), DefaultIs("the level's"), AppliesTo("search-world")]
    public int? Fields { get; init; }

    /// <summary>Shares of training questions that need 1, 2, .. look-ups or operations, such as <c>1/1/1</c>.</summary>
    [DefaultIs("the level's, or as many of each"), AppliesTo("search-world", "arithmetic")]
    public string? TrainMix { get; init; }

    /// <summary>Shares of held-out questions that need 1, 2, .. look-ups or operations, such as <c>20/30/50</c>.</summary>
    [DefaultIs("the level's, or as many of each"), AppliesTo("search-world", "arithmetic")]
    public string? HeldOutMix { get; init; }

    /// <summary>Questions to learn from: JSONL with <c>question</c> and <c>golden_answers</c>.</summary>
    [Path, AppliesTo("jsonl-search", "jsonl-code")]
    public string? Train { get; init; }

    /// <summary>Questions never learnt from, in the same form.</summary>
    [Path, AppliesTo("jsonl-search", "jsonl-code")]
    public string? HeldOut { get; init; }

    /// <summary>Passages to search: JSONL with <c>id</c> and <c>contents</c>.</summary>
    [Path, AppliesTo("jsonl-search")]
    public string? Corpus { get; init; }

    /// <summary>What the agent is told, with <c>{searches}</c> and <c>{question}</c> where they belong.</summary>
    [DefaultIs("explains the format in words"), AppliesTo("jsonl-search", "jsonl-code")]
    public string? Instruction { get; init; }

    /// <summary>What the agent would write before a final answer; put before it when its likelihood is measured.</summary>
    [DefaultIs("closes the thinking and opens the answer"), AppliesTo("jsonl-search", "jsonl-code")]
    public string? AnswerPrefix { get; init; }

    /// <summary>Most questions a file may hold.</summary>
    [Range(1, 100_000_000), DefaultIs("`2000000`"), AppliesTo("jsonl-search", "jsonl-code")]
    public int? MaxQuestions { get; init; }

    /// <summary>Most passages the corpus may hold; all of them are kept in memory.</summary>
    [Range(1, 100_000_000), DefaultIs("`1000000`"), AppliesTo("jsonl-search")]
    public int? MaxPassages { get; init; }

    /// <summary>Longest text of a passage that is shown.</summary>
    [Range(40, 1_000_000), DefaultIs("`1000`"), AppliesTo("jsonl-search")]
    public int? MaxPassageCharacters { get; init; }

    /// <summary>How much a word in a passage's title counts.</summary>
    [Range(1, 100), DefaultIs("`1`"), AppliesTo("jsonl-search")]
    public int? TitleWeight { get; init; }

    /// <summary>BM25's k1: how soon more of the same word stops counting.</summary>
    [Key("bm25_k1"), Range(0, 100), DefaultIs("`1.2`"), AppliesTo("jsonl-search")]
    public double? Bm25K1 { get; init; }

    /// <summary>BM25's b: how much long passages are held back.</summary>
    [Key("bm25_b"), Range(0, 1), DefaultIs("`0.75`"), AppliesTo("jsonl-search")]
    public double? Bm25B { get; init; }

    /// <summary>Nothing is found unless the best passage holds this share of the query's words.</summary>
    [Range(0, 1), DefaultIs("`0.25`"), AppliesTo("jsonl-search")]
    public double? MinimumShare { get; init; }

    /// <summary>Passages a search returns.</summary>
    [Range(1, 64), DefaultIs("the environment's"), AppliesTo("search-world", "jsonl-search")]
    public int? TopK { get; init; }

    /// <summary>How an answer is judged, after SQuAD's normalisation: it must be the same, or by the overlap of its words.</summary>
    [OneOf("exact_match", "token_f1"), DefaultIs("`exact_match`"), AppliesTo("search-world", "jsonl-search")]
    public string? Reward { get; init; }

    /// <summary>Reward of a turn that breaks the format.</summary>
    [Range(-100, 100), DefaultIs("`-1`"), AppliesTo("search-world", "arithmetic", "jsonl-search", "jsonl-code")]
    public double? RewardMalformed { get; init; }

    /// <summary>Reward of an episode that ran out of turns.</summary>
    [Range(-100, 100), DefaultIs("`-1`"), AppliesTo("search-world", "arithmetic", "jsonl-search", "jsonl-code")]
    public double? RewardTurnsExhausted { get; init; }

    /// <summary>Reward of an episode that ran out of tokens.</summary>
    [Range(-100, 100), DefaultIs("`-1`"), AppliesTo("search-world", "arithmetic", "jsonl-search", "jsonl-code")]
    public double? RewardTruncated { get; init; }

    /// <summary>What runs the agent's programs: the built-in calculator, or Python in a sandbox (Linux).</summary>
    [OneOf("calculator", "python"), DefaultIs("`calculator`"), AppliesTo("arithmetic", "jsonl-code")]
    public string? Tool { get; init; }

    /// <summary>How Python is kept in: by namespaces and limits, or by limits only.</summary>
    [OneOf("isolated", "limits-only"), DefaultIs("`isolated`"), AppliesTo("arithmetic", "jsonl-code")]
    public string? Sandbox { get; init; }

    /// <summary>The Python interpreter, a path or a name on PATH.</summary>
    [DefaultIs("`python3`"), AppliesTo("arithmetic", "jsonl-code")]
    public string? Python { get; init; }

    /// <summary>Longest a Python program may run.</summary>
    [Range(10, 600_000), DefaultIs("`2000`"), AppliesTo("arithmetic", "jsonl-code")]
    public int? ProgramTimeLimitMs { get; init; }

    /// <summary>Most memory of a Python program.</summary>
    [Range(32, 1_000_000), DefaultIs("`256`"), AppliesTo("arithmetic", "jsonl-code")]
    public int? ProgramMemoryMb { get; init; }

    /// <summary>Most a Python program's files may hold.</summary>
    [Range(1, 100_000), DefaultIs("`16`"), AppliesTo("arithmetic", "jsonl-code")]
    public int? ProgramScratchMb { get; init; }

    /// <summary>Longest reply to a program.</summary>
    [Range(8, 1_000_000), DefaultIs("`24`; `2000` for `jsonl-code`"), AppliesTo("arithmetic", "jsonl-code")]
    public int? MaxOutputCharacters { get; init; }

    /// <summary>The library with an environment of one's own.</summary>
    [Path]
    public string? Assembly { get; init; }

    /// <summary>Full name of its class; it implements IEnvironment.</summary>
    public string? Type { get; init; }

    /// <summary>Options handed to that class by name.</summary>
    public IReadOnlyDictionary<string, string>? Options { get; init; }
}
