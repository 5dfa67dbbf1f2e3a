using Distributed.Environments.Search;
using Distributed.Environments.World;
using Distributed.Ports;

namespace Distributed.Environments.Tests;

public class SearchEnvironmentTests
{
    private static readonly SearchEnvironment Level1 = new(SearchWorldOptions.OfLevel(1));

    private static string[] Words(string text) => text.Split(' ');

    [Fact]
    public void A_right_chain_of_searches_earns_the_reward_in_the_layout_of_level_1()
    {
        var categories = new SortedSet<string>();
        for (var i = 0; i < 200; i++)
        {
            var problem = Level1.GetProblem(Split.HeldOut, i);
            categories.Add(problem.Category);
            var prompt = Words(problem.Prompt);
            prompt.Length.ShouldBe(8);
            var relations = prompt[4..7].Where(word => word != "none").ToArray();
            problem.Category.ShouldBe(relations.Length == 1 ? "1 look-up" : $"{relations.Length} look-ups");
            using var episode = Level1.Start(problem);
            var at = $"{prompt[2]} {prompt[3]}";
            foreach (var relation in relations)
            {
                var action = $"<search> {at} {relation} </search>";
                var reply = episode.Step(action, default).ShouldBeOfType<StepResult.Observation>();
                reply.ToolError.ShouldBeFalse();
                var words = Words(reply.Text);
                words.Length.ShouldBe(10);
                $"{words[0]} {words[1]} {words[2]} {words[9]}".ShouldBe($"<result> {at} </result>");
                (words[3] == relation ^ words[6] == relation).ShouldBeTrue();
                at = words[3] == relation ? $"{words[4]} {words[5]}" : $"{words[7]} {words[8]}";
            }

            episode.Step($"<answer> {at} </answer>", default).ShouldBe(new StepResult.Finished(Outcome.Correct, 1));
        }

        categories.ShouldBe(["1 look-up", "2 look-ups", "3 look-ups"]);
    }

    [Fact]
    public void Every_search_for_a_name_and_relation_brings_its_fact()
    {
        var world = new SearchWorld(1);
        var tool = new WorldSearch(SearchWorldOptions.OfLevel(1), 1).Tool(Split.Train);
        var names = EntityNames.Of(Split.Train);
        var missed = new List<string>();
        for (var i = 0; i < names.Length; i++)
        {
            var relation = i % 16;
            var (name, word) = (EntityNames.Text(names[i]), Relation.All[relation].Word);
            var found = tool.Find($"{name} {word}");
            var fact = $" {word} {EntityNames.Text(world.Fact(names[i], relation))} ";
            if (found.Count != 1 || found[0].Title != name || !$" {found[0].Text} ".Contains(fact, StringComparison.Ordinal))
                missed.Add(name + fact);
        }

        missed.ShouldBeEmpty();
    }

    [Fact]
    public void A_name_that_is_not_in_the_corpus_is_honestly_not_found()
    {
        // A held-out name: each of its words is in the train corpus, in many passages together with "keeper", the name is not.
        var tool = new WorldSearch(SearchWorldOptions.OfLevel(1), 1).Tool(Split.Train);
        var replies = EntityNames.Of(Split.HeldOut).Select(name => tool.Reply($"{EntityNames.Text(name)} keeper")).Distinct();
        replies.ShouldBe(["<result> nothing found </result>"]);
    }

    [Theory]
    [InlineData("Mirel keeper")]
    [InlineData("keeper")]
    [InlineData("Xxx Yyy keeper")]
    [InlineData("none none none")]
    [InlineData("Mirel Mirel Mirel")]
    public void A_search_without_a_whole_name_finds_nothing(string query)
    {
        using var episode = Level1.Start(Level1.GetProblem(Split.Train, 0));
        episode.Step($"<search> {query} </search>", default)
            .ShouldBe(new StepResult.Observation(SearchTool.NothingFound));
    }

    [Fact]
    public void Every_end_has_its_outcome_and_reward()
    {
        var environment = new SearchEnvironment(new Dictionary<string, string>
        {
            ["reward_malformed"] = "-0.5", ["reward_turns_exhausted"] = "-0.25", ["reward_truncated"] = "-0.125",
        });
        environment.Format.Rewards.ShouldBe(new OutcomeRewards(-0.5, -0.25, -0.125));
        var problem = environment.GetProblem(Split.Train, 5);
        IEpisode Begin() => environment.Start(problem);
        Begin().Step("hello", default).ShouldBe(new StepResult.Finished(Outcome.Malformed, -0.5));
        Begin().Step("<answer> Nobody Known </answer>", default).ShouldBe(new StepResult.Finished(Outcome.Wrong, 0));
        Begin().Step($"<think> sure </think> <answer> {problem.GoldenAnswers[0]} </answer>", default)
            .ShouldBe(new StepResult.Finished(Outcome.Correct, 1));
        var episode = Begin();
        for (var turn = 0; turn < 3; turn++)
            episode.Step("<search> x </search>", default).ShouldBeOfType<StepResult.Observation>();
        episode.Step("<search> x </search>", default).ShouldBe(new StepResult.Finished(Outcome.TurnsExhausted, -0.25));
    }

    [Fact]
    public void The_same_options_give_the_same_problems_and_another_seed_others()
    {
        var again = new SearchEnvironment(SearchWorldOptions.OfLevel(1));
        var other = new SearchEnvironment(new Dictionary<string, string> { ["seed"] = "2" });
        for (var i = 0L; i < 50; i++)
        {
            var problem = Level1.GetProblem(Split.Train, i * 1_000_003);
            var twin = again.GetProblem(Split.Train, i * 1_000_003);
            (twin.Id, twin.Prompt, twin.GoldenAnswers[0]).ShouldBe((problem.Id, problem.Prompt, problem.GoldenAnswers[0]));
            other.GetProblem(Split.Train, i * 1_000_003).Prompt.ShouldNotBe(problem.Prompt);
        }

        Should.Throw<ArgumentOutOfRangeException>(() => Level1.GetProblem(Split.Train, -1));
        Level1.Count(Split.Train).ShouldBe(long.MaxValue);
    }

    [Fact]
    public void This_world_is_the_same_on_every_machine()
    {
        var problem = Level1.GetProblem(Split.Train, 0);
        $"{problem.Prompt} {problem.GoldenAnswers[0]}".ShouldBe("<s> <question> Ilka Carrow keeper none none </question> Draven Montrel");
    }

    [Fact]
    public void A_problem_of_another_environment_is_refused() =>
        Should.Throw<ArgumentException>(() => Level1.Start(new Problem("q1", "?", ["x"], "")))
            .Message.ShouldContain("'q1' is not of the search world");
}
