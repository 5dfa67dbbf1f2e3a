using System.Globalization;
using System.Text;

using Distributed.Environments.Answers;
using Distributed.Environments.Search;
using Distributed.Ports;

namespace Distributed.Environments.OwnData;

/// <summary>
/// Questions and passages of one's own, from JSONL files, with the same turn format, search tool and rewards as the search world. The prompt
/// explains the format in words.
/// </summary>
public sealed class JsonlSearchEnvironment : IEnvironment, ITurnJudge
{
    /// <summary>The prompt unless the option instruction replaces it; {searches} and {question} are filled in.</summary>
    public const string Instruction = """
        Answer the question. You can look things up before you answer.
        Think between <think> and </think> before every step. To look something up, write a query between <search> and </search>; what is found comes back between <result> and </result>. You can look things up {searches} times at most.
        When you know the answer, write it between <answer> and </answer>, in as few words as possible and without an explanation, for example <answer> Lisbon </answer>.
        Question: {question}

        """;

    private readonly IReadOnlyList<OwnQuestion> train;
    private readonly IReadOnlyList<OwnQuestion> heldOut;
    private readonly SearchTool tool;
    private readonly AnswerReward reward;
    private readonly string instruction;

    /// <summary>Reads the files the options name and indexes the corpus (docs/environments.md lists the options).</summary>
    /// <exception cref="EnvironmentSetupException">An option or a file is wrong.</exception>
    public JsonlSearchEnvironment(IReadOnlyDictionary<string, string> options)
    {
        var read = new OptionReader(options);
        var trainFile = read.Required("train", "the path of a JSONL file of questions");
        var heldOutFile = read.Required("held_out", "the path of a JSONL file of questions that are never learnt from");
        var corpusFile = read.Required("corpus", "the path of a JSONL file of passages");
        var mostQuestions = read.Whole("max_questions", 2_000_000, 1, 100_000_000);
        var ranking = new PassageIndex.Options(
            TitleWeight: read.Whole("title_weight", 1, 1, 100),
            K1: read.Number("bm25_k1", 1.2, 0, 100),
            B: read.Number("bm25_b", 0.75, 0, 1),
            MostPassages: read.Whole("max_passages", 1_000_000, 1, 100_000_000));
        var search = new SearchToolOptions(TopK: read.Whole("top_k", 3, 1, 64), MinimumShare: read.Number("minimum_share", 0.25, 0, 1));
        var passageCharacters = read.Whole("max_passage_characters", 1000, 40, 1_000_000);
        reward = SearchWorldOptions.ReadReward(read, AnswerReward.ExactMatch);
        instruction = read.Text("instruction", Instruction);
        if (!instruction.Contains("{question}", StringComparison.Ordinal))
            throw new EnvironmentSetupException("environment option instruction: has no place for the question: write {question} where it belongs");
        Format = new EnvironmentFormat(
            TurnFormat.StopStrings,
            AnswerPrefix: read.Text("answer_prefix", "<think> Now I know enough to answer. </think>\n<answer>") + " ",
            AnswerSuffix: " " + TurnFormat.AnswerClose,
            MaxTurns: read.Whole("max_turns", 4, 1, 64),
            MaxTurnTokens: read.Whole("max_turn_tokens", 256, 5, 65536),
            SearchWorldOptions.ReadTimeLimit(read, TimeSpan.FromSeconds(5)),
            ToolTimeoutReply: $"\n{SearchTool.NoReply}\n",
            SearchWorldOptions.ReadRewards(read, new OutcomeRewards()));
        read.RefuseOthers();

        train = QuestionFile.Read(trainFile, mostQuestions);
        heldOut = QuestionFile.Read(heldOutFile, mostQuestions);
        var index = PassageIndex.Build(CorpusFile.Read(corpusFile), ranking);
        if (index.Count == 0)
            throw new EnvironmentSetupException($"{corpusFile}: holds no passage: there is nothing to search in");
        tool = new SearchTool(index, search, passages => Write(passages, passageCharacters));
    }

    /// <inheritdoc/>
    public EnvironmentFormat Format { get; }

    /// <inheritdoc/>
    public long Count(Split split) => Questions(split).Count;

    /// <inheritdoc/>
    public Problem GetProblem(Split split, long index)
    {
        var questions = Questions(split);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, questions.Count);
        var question = questions[(int)index];
        var prompt = instruction
            .Replace("{searches}", (Format.MaxTurns - 1).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{question}", question.Text, StringComparison.Ordinal);
        var id = string.Create(CultureInfo.InvariantCulture, $"{(split == Split.Train ? "train" : "held-out")}-{index}");
        return new Problem(id, prompt, question.GoldenAnswers, question.Category);
    }

    /// <inheritdoc/>
    public IEpisode Start(Problem problem) => new SearchEpisode(tool, problem.GoldenAnswers, Format, reward, ("\n", "\n"));

    /// <inheritdoc/>
    public JudgedSignals Judges => JudgedSignals.RetrievalRank;

    /// <summary>A passage is taken for one the agent needed if it holds an accepted answer, word for word after normalising as answers are.</summary>
    public IReadOnlyList<TurnJudgement> Judge(string problemId, IReadOnlyList<TurnText> turns)
    {
        var dash = problemId.LastIndexOf('-');
        var questions = Questions(problemId.StartsWith("train-", StringComparison.Ordinal) ? Split.Train : Split.HeldOut);
        var golden = questions[int.Parse(problemId.AsSpan(dash + 1), CultureInfo.InvariantCulture)].GoldenAnswers
            .Select(answer => $" {AnswerScore.Normalize(answer)} ").Where(answer => answer.Length > 2).ToArray();
        return [.. turns.Select(turn => new TurnJudgement(
            TurnFormat.Parse(turn.Action) is AgentTurn.Search search && turn.Observation is not null && turn.Observation != Format.ToolTimeoutReply ? RankOf(tool.Find(search.Query), golden) : null))];
    }

    private static int? RankOf(IReadOnlyList<Passage> found, string[] golden)
    {
        for (var place = 0; place < found.Count; place++)
        {
            var text = $" {AnswerScore.Normalize($"{found[place].Title} {found[place].Text}")} ";
            if (golden.Any(answer => text.Contains(answer, StringComparison.Ordinal)))
                return place + 1;
        }

        return null;
    }

    private IReadOnlyList<OwnQuestion> Questions(Split split) => split == Split.Train ? train : heldOut;

    private static string Write(IReadOnlyList<Passage> passages, int mostCharacters)
    {
        var text = new StringBuilder("\n");
        for (var i = 0; i < passages.Count; i++)
        {
            var (title, body) = passages[i];
            text.Append(CultureInfo.InvariantCulture, $"[{i + 1}] ");
            if (title.Length > 0)
                text.Append(Shorten(title, mostCharacters)).Append(": ");
            text.Append(Shorten(body, mostCharacters)).Append('\n');
        }

        return text.ToString();
    }

    // Cut at the last word that fits; never inside a surrogate pair.
    private static string Shorten(string text, int most)
    {
        if (text.Length <= most)
            return text;
        var end = text.LastIndexOf(' ', most);
        if (end < most / 2)
            end = char.IsHighSurrogate(text[most - 1]) ? most - 1 : most;
        return string.Concat(text.AsSpan(0, end), " ...");
    }
}
