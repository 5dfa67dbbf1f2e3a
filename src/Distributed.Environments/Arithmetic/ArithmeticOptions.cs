using Distributed.Environments.Tools;
using Distributed.Ports;

namespace Distributed.Environments.Arithmetic;

/// <summary>What the arithmetic world is like.</summary>
public sealed record ArithmeticOptions
{
    /// <summary>Seed of the problems.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Shares of train problems with 1, 2, .. operations. Option train_mix.</summary>
    public IReadOnlyList<double> TrainMix { get; init; } = [1, 1, 1, 1];

    /// <summary>Shares of held-out problems with 1, 2, .. operations. Option held_out_mix.</summary>
    public IReadOnlyList<double> HeldOutMix { get; init; } = [1, 1, 1, 1];

    /// <summary>Most turns, the answer's included. Option max_turns; unless it is given, one more than the longest problem has operations.</summary>
    public int MaxTurns { get; init; } = WordProblems.MostSteps + 1;

    /// <summary>Most sampled tokens of a turn. Option max_turn_tokens.</summary>
    public int MaxTurnTokens { get; init; } = 32;

    /// <summary>The tool and its bounds. Options tool, sandbox, python, ..</summary>
    public CodeToolOptions Tool { get; init; } = new() { MostCharacters = 24 };

    /// <summary>Rewards of the other ends. Options reward_malformed, reward_turns_exhausted, reward_truncated.</summary>
    public OutcomeRewards Rewards { get; init; } = new();

    /// <summary>Longest a step may take, waiting for the tool included. Option tool_time_limit_ms.</summary>
    public TimeSpan ToolTimeLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The shares of a split.</summary>
    public IReadOnlyList<double> Mix(Split split) => split == Split.Train ? TrainMix : HeldOutMix;

    /// <summary>Reads options as a recipe names them.</summary>
    /// <exception cref="EnvironmentSetupException">An option is unknown or its value wrong.</exception>
    public static ArithmeticOptions Parse(IReadOnlyDictionary<string, string> options)
    {
        var read = new OptionReader(options);
        var absent = new ArithmeticOptions();
        var trainMix = read.Shares("train_mix", absent.TrainMix, WordProblems.MostSteps);
        var heldOutMix = read.Shares("held_out_mix", absent.HeldOutMix, WordProblems.MostSteps);
        var parsed = new ArithmeticOptions
        {
            Seed = read.Seed("seed", absent.Seed),
            TrainMix = trainMix,
            HeldOutMix = heldOutMix,
            MaxTurns = read.Whole("max_turns", Math.Max(trainMix.Count, heldOutMix.Count) + 1, 2, 64),
            MaxTurnTokens = read.Whole("max_turn_tokens", absent.MaxTurnTokens, 5, 4096),
            Tool = CodeToolOptions.Read(read, absent.Tool),
            Rewards = SearchWorldOptions.ReadRewards(read, absent.Rewards),
            ToolTimeLimit = SearchWorldOptions.ReadTimeLimit(read, absent.ToolTimeLimit),
        };
        read.RefuseOthers();
        return parsed;
    }
}
