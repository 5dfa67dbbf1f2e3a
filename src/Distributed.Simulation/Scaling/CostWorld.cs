using System.Globalization;
using Distributed.Ports;

namespace Distributed.Simulation.Scaling;

/// <summary>
/// Episodes as counts of tokens: one token stands for a whole text, its id is twice the number of tokens, plus one where the turn is an answer. Trajectories stay small and every
/// engine can still add up what it would have to compute.
/// </summary>
public sealed class CostWorld(CostModel costs) : IEnvironment, ITokenizer
{
    /// <inheritdoc/>
    public EnvironmentFormat Format { get; } = new([";"], "1", "1", costs.MaxTurns, int.MaxValue / 4, TimeSpan.FromHours(1), "t1", new OutcomeRewards());

    /// <inheritdoc/>
    public int VocabularySize => int.MaxValue / 2;

    /// <summary>How many tokens an id stands for.</summary>
    public static int TokensOf(int id) => id / 2;

    /// <summary>How many tokens a sequence stands for.</summary>
    public static long TokensOf(ReadOnlySpan<int> ids)
    {
        long tokens = 0;
        foreach (var id in ids) tokens += TokensOf(id);
        return tokens;
    }

    /// <inheritdoc/>
    public long Count(Split split) => long.MaxValue;

    /// <inheritdoc/>
    public Problem GetProblem(Split split, long index) => new($"p{index}", $"t{costs.PromptTokens}", ["1"], "any");

    /// <inheritdoc/>
    public IEpisode Start(Problem problem) => new Episode(costs);

    /// <inheritdoc/>
    public int[] Encode(string text) => [2 * int.Parse(text.AsSpan(1), CultureInfo.InvariantCulture)];

    /// <inheritdoc/>
    public TokenSpan[] EncodeWithOffsets(string text) => [.. text.Select((_, index) => new TokenSpan(2, index, index + 1))];

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids) => ids[0] % 2 == 0 ? "tool" : TokensOf(ids[0]) % 2 == 0 ? "right" : "wrong";

    /// <inheritdoc/>
    public int? TokenId(string token) => null;

    private sealed class Episode(CostModel costs) : IEpisode
    {
        public StepResult Step(string action, CancellationToken cancel) => action switch
        {
            "tool" => new StepResult.Observation($"t{costs.ReplyTokens}"),
            "right" => new StepResult.Finished(Outcome.Correct, 1),
            _ => new StepResult.Finished(Outcome.Wrong, 0),
        };

        public void Dispose() { }
    }
}
