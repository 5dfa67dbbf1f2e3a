using System.Globalization;
using Distributed.Ports;

namespace Distributed.Simulation.World;

/// <summary>Guess a digit: <c>L4;</c> looks something up and is answered <c>r4;</c>, <c>A2;</c> answers. Anything else is malformed.</summary>
public sealed class DigitEnvironment : IEnvironment
{
    /// <summary>Problems to train on.</summary>
    public const int TrainProblems = 7;

    /// <inheritdoc/>
    public EnvironmentFormat Format { get; } = new([";"], "A", ";", MaxTurns: 4, MaxTurnTokens: 8, TimeSpan.FromSeconds(1), "?;", new OutcomeRewards());

    /// <inheritdoc/>
    public long Count(Split split) => split == Split.Train ? TrainProblems : 5;

    /// <inheritdoc/>
    public Problem GetProblem(Split split, long index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count(split));
        var golden = (index * 3 + (split == Split.Train ? 1 : 2)) % 3;
        return new Problem($"{split}-{index}", PromptOf(split, index), [golden.ToString(CultureInfo.InvariantCulture)], index % 2 == 0 ? "even" : "odd");
    }

    /// <inheritdoc/>
    public IEpisode Start(Problem problem) => new Episode(problem);

    /// <summary>The prompt of a problem.</summary>
    public static string PromptOf(Split split, long index) => string.Create(CultureInfo.InvariantCulture, $"q{index}{(split == Split.Train ? 't' : 'h')};");

    private sealed class Episode(Problem problem) : IEpisode
    {
        public StepResult Step(string action, CancellationToken cancel)
        {
            if (action.Length != 3 || action[2] != ';') return new StepResult.Finished(Outcome.Malformed, -1);
            return action[0] switch
            {
                'L' => new StepResult.Observation($"r{action[1]};"),
                'A' when action[1..2] == problem.GoldenAnswers[0] => new StepResult.Finished(Outcome.Correct, 1),
                'A' => new StepResult.Finished(Outcome.Wrong, 0),
                _ => new StepResult.Finished(Outcome.Malformed, -1),
            };
        }

        public void Dispose() { }
    }
}

/// <summary>One token a character; ids are character codes below 128.</summary>
public sealed class CharacterTokenizer : ITokenizer
{
    /// <inheritdoc/>
    public int VocabularySize => 128;

    /// <inheritdoc/>
    public int[] Encode(string text) => [.. text.Select(letter => (int)letter)];

    /// <inheritdoc/>
    public TokenSpan[] EncodeWithOffsets(string text) => [.. text.Select((letter, index) => new TokenSpan(letter, index, index + 1))];

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids)
    {
        var letters = new char[ids.Length];
        for (var i = 0; i < letters.Length; i++) letters[i] = (char)ids[i];
        return new string(letters);
    }

    /// <inheritdoc/>
    public int? TokenId(string token) => token.Length == 1 ? token[0] : null;
}
