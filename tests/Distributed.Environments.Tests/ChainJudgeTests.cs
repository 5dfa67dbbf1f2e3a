using Distributed.Environments.Search;
using Distributed.Ports;

namespace Distributed.Environments.Tests;

public class ChainJudgeTests
{
    private static readonly SearchEnvironment Level1 = new(SearchWorldOptions.OfLevel(1));

    private static Problem OfThree(SearchEnvironment environment) =>
        Enumerable.Range(0, 100).Select(index => environment.GetProblem(Split.Train, index)).First(problem => problem.Category == "3 look-ups");

    // Plays the searches and answers with the golden answer.
    private static (IReadOnlyList<TurnJudgement> Judged, Problem Problem) Play(SearchEnvironment environment, Func<string[], string, IEnumerable<string>> searches)
    {
        var problem = OfThree(environment);
        var prompt = problem.Prompt.Split(' ');
        var relations = prompt[4..7];
        using var episode = environment.Start(problem);
        var turns = new List<TurnText>();
        var at = $"{prompt[2]} {prompt[3]}";
        foreach (var relation in relations)
        {
            foreach (var search in searches(relations, $"{at} {relation}").Append($"{at} {relation}"))
                turns.Add(new($"<search> {search} </search>", episode.Step($"<search> {search} </search>", default).ShouldBeOfType<StepResult.Observation>().Text));
            var words = turns[^1].Observation!.Split(' ');
            var place = Array.IndexOf(words, relation);
            at = $"{words[place + 1]} {words[place + 2]}";
        }

        turns.Add(new($"<answer> {at} </answer>", null));
        return (environment.Judge(problem.Id, turns), problem);
    }

    [Fact]
    public void A_right_chain_is_retrieved_first_and_called_as_expected_at_every_turn()
    {
        var (judged, _) = Play(Level1, (_, _) => []);
        judged.Select(turn => turn.RetrievalRank).ShouldBe([1, 1, 1, null]);
        foreach (var turn in judged)
        {
            turn.Calls!.WellFormed.ShouldBeTrue();
            turn.Calls.Made.Count.ShouldBe(turn.Calls.Expected.Count);
            foreach (var (made, expected) in turn.Calls.Made.Zip(turn.Calls.Expected))
            {
                made.Tool.ShouldBe("search");
                made.Arguments.ShouldBe(expected.Arguments, ignoreOrder: true);
            }
        }

        judged[^1].Calls!.Expected.ShouldBeEmpty();
    }

    [Fact]
    public void A_search_beside_the_chain_retrieves_nothing_needed_and_what_is_expected_stays()
    {
        var slack = new SearchEnvironment(SearchWorldOptions.OfLevel(1) with { MaxTurns = 16 });
        var (judged, _) = Play(slack, (_, right) => [right[..right.LastIndexOf(' ')] + " hymn", "no such thing at all"]);
        judged.Select(turn => turn.RetrievalRank).ShouldBe([null, null, 1, null, null, 1, null, null, 1, null]);
        judged[0].Calls!.Made[0].Arguments["relation"].ShouldBe("anthem", "a relation counts by what it means");
        judged[0].Calls!.Expected[0].Arguments.ShouldBe(judged[2].Calls!.Made[0].Arguments, ignoreOrder: true);
        judged[1].Calls!.Made[0].Arguments["query"].ShouldBe("no such thing at all");
    }

    [Fact]
    public void The_rank_is_the_place_of_the_needed_passage_among_those_shown()
    {
        var similar = new SearchEnvironment(SearchWorldOptions.OfLevel(4));
        var ranks = new List<int?>();
        for (var index = 0; index < 50; index++)
        {
            var problem = similar.GetProblem(Split.HeldOut, index);
            var prompt = problem.Prompt.Split(' ');
            var (name, relation) = ($"{prompt[2]} {prompt[3]}", prompt[4]);
            using var episode = similar.Start(problem);
            var action = $"<search> {name} {relation} </search>";
            var read = episode.Step(action, default).ShouldBeOfType<StepResult.Observation>().Text;
            var rank = similar.Judge(problem.Id, [new(action, read)]).ShouldHaveSingleItem().RetrievalRank;
            rank.ShouldBe(read.StartsWith($"<result> {name} ", StringComparison.Ordinal) ? 1 : 2);
            ranks.Add(rank);
        }

        ranks.ShouldContain(1);
        ranks.ShouldContain(2);
    }

    [Fact]
    public void A_malformed_turn_and_a_search_without_a_reply_retrieve_nothing()
    {
        var problem = OfThree(Level1);
        var prompt = problem.Prompt.Split(' ');
        var right = $"<search> {prompt[2]} {prompt[3]} {prompt[4]} </search>";
        var judged = Level1.Judge(problem.Id, [new(right, SearchTool.NoReply), new(right, "<result> .. </result>"), new("hello", null)]);
        judged.Select(turn => turn.RetrievalRank).ShouldBe([null, 1, null]);
        judged.Select(turn => turn.Calls!.WellFormed).ShouldBe([true, true, false]);
        judged[2].Calls!.Expected.ShouldHaveSingleItem().Arguments["relation"].ShouldBe(prompt[5]);
    }
}
