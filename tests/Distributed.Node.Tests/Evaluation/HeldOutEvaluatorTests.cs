using Distributed.Environments.Hosting;
using Distributed.Node.Evaluation;
using Distributed.Ports;

namespace Distributed.Node.Tests.Evaluation;

public sealed class HeldOutEvaluatorTests
{
    private static IReadOnlyList<EvaluatedEpisode> Ask(Func<string, string?> policy, int questions = 40, int context = 1000, Riddles? riddles = null)
    {
        riddles ??= new();
        using var host = new EnvironmentHost(new(riddles.Format.ToolTimeoutReply));
        using var engine = new ScriptedEngine(policy, context);
        var episodes = new HeldOutEvaluator(engine, new CharacterTokenizer(), riddles, host)
            .Ask(HeldOutEvaluator.FirstQuestions(riddles, questions), CancellationToken.None);
        engine.OpenSequences.ShouldBe(0);
        return episodes;
    }

    // Looks once, then says what it saw.
    private static string LookThenAnswer(string text) => text.EndsWith(')') ? text[(text.LastIndexOf('(') + 1)..^1] + "!" : "look;";

    [Fact]
    public void Every_question_is_asked_once_and_answers_come_back_in_order()
    {
        var episodes = Ask(LookThenAnswer, questions: 1300);
        episodes.Select(e => e.Problem.Id).ShouldBe(Enumerable.Range(0, 1300).Select(i => $"{i}"));
        episodes.ShouldAllBe(e => e.Outcome == Outcome.Correct && e.Reward == 1);
        episodes[7].Turns.ShouldBe([("look;", "(7)"), ("7!", null)]);
    }

    [Fact]
    public void Success_is_counted_by_category()
    {
        var summary = EvaluationSummary.Of(Ask(text => text.Contains('(') || "13579".Contains(text[^2]) ? "x!" : text[1..^1] + "!"));
        summary.Total.ShouldBe(new CategoryResult("all", 20, 40, 0));
        summary.Categories.ShouldBe([new("easy", 20, 20, 0), new("hard", 0, 20, 0)]);
        summary.Total.Success.ShouldBe(0.5);
    }

    [Fact]
    public void Tool_turns_are_those_before_the_last() => EvaluationSummary.Of(Ask(LookThenAnswer)).Total.ToolTurns.ShouldBe(1);

    [Theory]
    [InlineData("look;", Outcome.TurnsExhausted, -2.0, 3)]
    [InlineData("nothing", Outcome.Truncated, -3.0, 1)]
    [InlineData("bad;", Outcome.Malformed, -1.0, 1)]
    [InlineData("x!", Outcome.Wrong, 0.0, 1)]
    public void Every_way_to_end_has_its_outcome_and_reward(string action, Outcome outcome, double reward, int turns)
    {
        foreach (var episode in Ask(_ => action, questions: 3))
        {
            (episode.Outcome, episode.Reward, episode.Turns.Count).ShouldBe((outcome, reward, turns));
            episode.Turns[^1].Observation.ShouldBeNull();
        }
    }

    [Fact]
    public void A_context_that_has_no_room_for_a_reply_ends_truncated() =>
        Ask(LookThenAnswer, questions: 3, context: 10).ShouldAllBe(e => e.Outcome == Outcome.Truncated && e.Reward == -3);

    [Fact]
    public void A_tool_that_throws_is_an_observation() =>
        Ask(text => text.EndsWith("(no reply)", StringComparison.Ordinal) ? text[1..text.IndexOf(':', StringComparison.Ordinal)] + "!" : "crash;")
            .ShouldAllBe(e => e.Outcome == Outcome.Correct && e.Turns[0].Observation == "(no reply)");

    [Fact]
    public void An_engine_that_fails_ends_the_evaluation_in_one_line_and_nothing_stays_open()
    {
        var riddles = new Riddles();
        Should.Throw<RefusedException>(() => Ask(text => text.StartsWith("?17", StringComparison.Ordinal) ? null : LookThenAnswer(text), riddles: riddles))
            .Message.ShouldBe("the engine is out of memory");
    }

    [Fact]
    public void Too_few_questions_are_refused_with_their_number() =>
        Should.Throw<RefusedException>(() => HeldOutEvaluator.FirstQuestions(new Riddles(7), 8))
            .Message.ShouldBe("the environment has 7 held-out questions, 8 are asked for; lower evaluation.questions");

    [Fact]
    public void Questions_of_a_category_are_the_first_there_are() =>
        HeldOutEvaluator.FirstQuestions(new Riddles(), "hard", 3).Select(p => p.Id).ShouldBe(["1", "3", "5"]);

    [Fact]
    public void An_unknown_category_is_refused_with_those_seen() =>
        Should.Throw<RefusedException>(() => HeldOutEvaluator.FirstQuestions(new Riddles(), "odd", 2)).Message.ShouldEndWith("categories seen: easy, hard");
}
