using Distributed.Environments.Answers;
using Distributed.Environments.World;
using Distributed.Ports;

namespace Distributed.Environments;

/// <summary>
/// What the search world is like. A level is a preset of these; every option may be set on top of it. Level 1 is the task whose
/// learnability is known; each further level makes one thing harder and leaves the rest as on level 1 (docs/environments.md).
/// </summary>
public sealed record SearchWorldOptions
{
    /// <summary>Most relations a question can have.</summary>
    public const int MostRelations = 5;

    /// <summary>The number of levels.</summary>
    public const int Levels = 6;

    /// <summary>Seed of the facts and of the questions.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The preset the options began from, 1 to <see cref="Levels"/>.</summary>
    public int Level { get; init; } = 1;

    /// <summary>Facts of one passage: 2, 4, 8 or 16. Option facts_per_passage.</summary>
    public int FactsPerPassage { get; init; } = 2;

    /// <summary>Whether the facts beside the one asked for have values of the same kind. Option same_kind.</summary>
    public bool SameKind { get; init; }

    /// <summary>Whether questions are sentences of several shapes instead of fields of fixed width. Option wording: fixed | varied.</summary>
    public bool VariedWording { get; init; }

    /// <summary>Whether a reply also shows a passage about a similar name, in either order. Option similar_names.</summary>
    public bool SimilarNames { get; init; }

    /// <summary>Wordings of a relation, 1 or 2; with 2 the question's may not be the passage's, and the search then finds nothing. Option wordings.</summary>
    public int Wordings { get; init; } = 1;

    /// <summary>Fields for relations in a question of fixed width; unused ones say none. Option fields.</summary>
    public int Fields { get; init; } = 3;

    /// <summary>Passages of a reply. Option top_k.</summary>
    public int TopK { get; init; } = 1;

    /// <summary>Most turns, the answer's included. Option max_turns.</summary>
    public int MaxTurns { get; init; } = 4;

    /// <summary>Most sampled tokens of a turn. Option max_turn_tokens.</summary>
    public int MaxTurnTokens { get; init; } = 12;

    /// <summary>Shares of train questions that need 1, 2, .. look-ups. Option train_mix.</summary>
    public IReadOnlyList<double> TrainMix { get; init; } = [1, 1, 1];

    /// <summary>Shares of held-out questions that need 1, 2, .. look-ups. Option held_out_mix.</summary>
    public IReadOnlyList<double> HeldOutMix { get; init; } = [20, 30, 50];

    /// <summary>How answers are rewarded. Option reward: exact_match | token_f1.</summary>
    public AnswerReward Reward { get; init; }

    /// <summary>Rewards of the other ends. Options reward_malformed, reward_turns_exhausted, reward_truncated.</summary>
    public OutcomeRewards Rewards { get; init; } = new();

    /// <summary>Longest a search may take. Option tool_time_limit_ms.</summary>
    public TimeSpan ToolTimeLimit { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The shares of a split.</summary>
    public IReadOnlyList<double> Mix(Split split) => split == Split.Train ? TrainMix : HeldOutMix;

    /// <summary>The options of a level.</summary>
    public static SearchWorldOptions OfLevel(int level)
    {
        var first = new SearchWorldOptions { Level = level };
        return level switch
        {
            1 => first,
            2 => first with { FactsPerPassage = 4 },
            3 => first with { VariedWording = true },
            4 => first with { SimilarNames = true, TopK = 2 },
            5 => first with { Wordings = 2, MaxTurns = 7 },
            6 => first with { Fields = 5, MaxTurns = 8, TrainMix = [1, 1, 1, 1, 1], HeldOutMix = [10, 15, 20, 25, 30] },
            _ => throw new EnvironmentSetupException($"environment option level: '{level}' must be a whole number from 1 to {Levels}"),
        };
    }

    /// <summary>Reads options as a recipe names them.</summary>
    /// <exception cref="EnvironmentSetupException">An option is unknown or its value wrong.</exception>
    public static SearchWorldOptions Parse(IReadOnlyDictionary<string, string> options)
    {
        var read = new OptionReader(options);
        var level = OfLevel(read.Whole("level", 1, 1, Levels));
        var fields = read.Whole("fields", level.Fields, 1, MostRelations);
        var parsed = level with
        {
            Seed = read.Seed("seed", level.Seed),
            FactsPerPassage = read.Choice("facts_per_passage", level.FactsPerPassage, ("2", 2), ("4", 4), ("8", 8), ("16", 16)),
            SameKind = read.Flag("same_kind", level.SameKind),
            VariedWording = read.Choice("wording", level.VariedWording, ("fixed", false), ("varied", true)),
            SimilarNames = read.Flag("similar_names", level.SimilarNames),
            Wordings = read.Whole("wordings", level.Wordings, 1, 2),
            Fields = fields,
            TopK = read.Whole("top_k", level.TopK, 1, 16),
            MaxTurns = read.Whole("max_turns", level.MaxTurns, 1, 64),
            MaxTurnTokens = read.Whole("max_turn_tokens", level.MaxTurnTokens, 5, 4096),
            TrainMix = read.Shares("train_mix", level.TrainMix, fields),
            HeldOutMix = read.Shares("held_out_mix", level.HeldOutMix, fields),
            Reward = ReadReward(read, level.Reward),
            Rewards = ReadRewards(read, level.Rewards),
            ToolTimeLimit = ReadTimeLimit(read, level.ToolTimeLimit),
        };
        read.RefuseOthers();
        parsed.Check();
        return parsed;
    }

    /// <summary>Refuses combinations that make no sense.</summary>
    /// <exception cref="EnvironmentSetupException">With the options and the mend.</exception>
    public void Check()
    {
        foreach (var (key, mix) in (ReadOnlySpan<(string, IReadOnlyList<double>)>)[("train_mix", TrainMix), ("held_out_mix", HeldOutMix)])
        {
            if (mix.Count > Fields)
                throw new EnvironmentSetupException($"environment option {key}: {mix.Count} shares do not fit {Fields} fields: raise fields or shorten the mix");
            var longest = mix.Count;
            while (mix[longest - 1] == 0)
                longest--;
            if (longest >= MaxTurns)
                throw new EnvironmentSetupException(
                    $"environment option max_turns: questions of {longest} look-ups need {longest + 1} turns, not {MaxTurns}: raise max_turns or shorten {key}");
        }

        if (SimilarNames && TopK < 2)
            throw new EnvironmentSetupException("environment option similar_names: a reply of one passage has no room for a similar name: set top_k to 2");
        if (Relation.All.Length % FactsPerPassage != 0)
            throw new EnvironmentSetupException($"environment option facts_per_passage: '{FactsPerPassage}' must be 2, 4, 8 or 16");
    }

    internal static AnswerReward ReadReward(OptionReader read, AnswerReward absent) =>
        read.Choice("reward", absent, ("exact_match", AnswerReward.ExactMatch), ("token_f1", AnswerReward.TokenF1));

    internal static OutcomeRewards ReadRewards(OptionReader read, OutcomeRewards absent) => new(
        read.Number("reward_malformed", absent.Malformed, -100, 100),
        read.Number("reward_turns_exhausted", absent.TurnsExhausted, -100, 100),
        read.Number("reward_truncated", absent.Truncated, -100, 100));

    internal static TimeSpan ReadTimeLimit(OptionReader read, TimeSpan absent) =>
        TimeSpan.FromMilliseconds(read.Whole("tool_time_limit_ms", (int)absent.TotalMilliseconds, 1, 600_000));
}
