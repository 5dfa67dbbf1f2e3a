using Distributed.Node.Recipes;
using Distributed.Ports;
using Distributed.Protocol;

namespace Distributed.Node.Composition;

/// <summary>Judgements of turns, for the shapers that reward by them.</summary>
internal static class TurnJudging
{
    /// <summary>Whether a shaper of the recipe needs judgements.</summary>
    public static bool Asked(Recipe recipe) => recipe.Algorithm.Shapers.Any(shaper => Needs(shaper).Signal != JudgedSignals.None);

    /// <summary>The environment as a judge if a shaper of the recipe needs one, else null.</summary>
    /// <exception cref="RefusedException">It cannot tell what a shaper needs.</exception>
    public static ITurnJudge? For(Recipe recipe, IEnvironment environment)
    {
        ITurnJudge? judge = null;
        foreach (var shaper in recipe.Algorithm.Shapers)
        {
            var (needed, what) = Needs(shaper);
            if (needed == JudgedSignals.None) continue;
            judge = environment as ITurnJudge;
            if (judge is null || !judge.Judges.HasFlag(needed))
                throw new RefusedException($"algorithm.shapers: {shaper.Name} needs to know {what}, which the environment {recipe.Environment.Name ?? recipe.Environment.Type} does not tell; remove it, or choose search-world{(needed == JudgedSignals.RetrievalRank ? " or jsonl-search" : "")}, or a class that implements ITurnJudge");
        }

        return judge;
    }

    private static (JudgedSignals Signal, string What) Needs(ShaperSection shaper) => shaper.Name switch
    {
        "rank-incentive" => (JudgedSignals.RetrievalRank, "at which rank a needed passage came"),
        "tool-format" => (JudgedSignals.ToolCalls, "which tool calls were right"),
        _ => (JudgedSignals.None, ""),
    };

    /// <summary>Judges a trajectory.</summary>
    public static IReadOnlyList<TurnJudgement> Judge(ITurnJudge judge, Trajectory trajectory, ITokenizer tokenizer) => judge.Judge(
        trajectory.ProblemId,
        [.. trajectory.Turns.Select(turn => new TurnText(tokenizer.Decode(turn.Tokens), turn.ObservationTokens.Length == 0 ? null : tokenizer.Decode(turn.ObservationTokens)))]);
}
