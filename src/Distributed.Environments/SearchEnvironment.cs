using System.Collections.Immutable;
using System.Globalization;

using Distributed.Environments.Search;
using Distributed.Environments.World;
using Distributed.Ports;

namespace Distributed.Environments;

/// <summary>
/// The generated search world as an environment: questions without end, a search tool over the passages of the question's split, and
/// demonstrations for a warm start. Everything follows from the options. An index is built when the first episode of its split starts.
/// </summary>
public sealed class SearchEnvironment : IEnvironment, IDemonstrator, ITurnJudge
{
    private const ulong DemonstrationPurpose = 5;

    private readonly SearchWorldOptions options;
    private readonly QuestionSource questions;
    private readonly WorldSearch search;
    private readonly SearchDemonstrations demonstrations;
    private readonly ChainJudge judge;

    /// <summary>Of options as a recipe names them.</summary>
    /// <exception cref="EnvironmentSetupException">An option is unknown or wrong.</exception>
    public SearchEnvironment(IReadOnlyDictionary<string, string> options)
        : this(SearchWorldOptions.Parse(options)) { }

    /// <summary>Of options.</summary>
    /// <exception cref="EnvironmentSetupException">The options do not fit each other.</exception>
    public SearchEnvironment(SearchWorldOptions options)
    {
        options.Check();
        this.options = options;
        search = new WorldSearch(options, options.Seed);
        questions = new QuestionSource(search.World, options.Seed, options.Wordings);
        judge = new ChainJudge(search.World, SearchTool.NoReply);

        // Another world than the one to be learnt from: no fact a demonstration shows is true there.
        demonstrations = new SearchDemonstrations(options, StableHash.Of(options.Seed, DemonstrationPurpose));
        Format = new EnvironmentFormat(
            TurnFormat.StopStrings,
            AnswerPrefix: TurnFormat.AnswerOpen + " ",
            AnswerSuffix: " " + TurnFormat.AnswerClose,
            options.MaxTurns,
            options.MaxTurnTokens,
            options.ToolTimeLimit,
            ToolTimeoutReply: SearchTool.NoReply,
            options.Rewards);
    }

    /// <summary>The words of the environment's texts, in the order of their token ids; the same for all levels.</summary>
    public static ImmutableArray<string> Vocabulary => SearchVocabulary.Words;

    /// <inheritdoc/>
    public EnvironmentFormat Format { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => SearchDemonstrations.AllKinds;

    /// <inheritdoc/>
    public long Count(Split split) => long.MaxValue;

    /// <inheritdoc/>
    public Problem GetProblem(Split split, long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        var question = questions.Get(split, index, options.Mix(split));
        var id = string.Create(CultureInfo.InvariantCulture, $"{Prefix(split)}{index}");
        return new Problem(id, Prompt(question, options), [EntityNames.Text(question.Answer)], Category(question.Relations.Length));
    }

    /// <inheritdoc/>
    public IEpisode Start(Problem problem) =>
        new SearchEpisode(search.Tool(SplitOf(problem.Id)), problem.GoldenAnswers, Format, options.Reward, ("", ""));

    /// <inheritdoc/>
    public JudgedSignals Judges => JudgedSignals.RetrievalRank | JudgedSignals.ToolCalls;

    /// <inheritdoc/>
    public IReadOnlyList<TurnJudgement> Judge(string problemId, IReadOnlyList<TurnText> turns)
    {
        var split = SplitOf(problemId);
        var index = long.Parse(problemId.AsSpan(Prefix(split).Length), CultureInfo.InvariantCulture);
        return judge.Judge(questions.Get(split, index, options.Mix(split)), search.Tool(split), turns);
    }

    /// <inheritdoc/>
    public Demonstration GetDemonstration(string kind, long index) => demonstrations.Get(kind, index);

    internal static string Prompt(ChainQuestion question, SearchWorldOptions options) =>
        options.VariedWording ? QuestionText.Varied(question) : QuestionText.Fixed(question, options.Fields);

    private static Split SplitOf(string problemId) => problemId.StartsWith(Prefix(Split.Train), StringComparison.Ordinal) ? Split.Train
        : problemId.StartsWith(Prefix(Split.HeldOut), StringComparison.Ordinal) ? Split.HeldOut
        : throw new ArgumentException($"problem '{problemId}' is not of the search world", nameof(problemId));

    private static string Prefix(Split split) => split == Split.Train ? "train-" : "held-out-";

    private static string Category(int lookUps) => lookUps == 1 ? "1 look-up" : string.Create(CultureInfo.InvariantCulture, $"{lookUps} look-ups");
}
