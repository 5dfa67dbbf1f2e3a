using Distributed.Environments.Search;
using Distributed.Environments.World;
using Distributed.Ports;

namespace Distributed.Environments.Tests;

public class SearchLevelTests
{
    private const int Questions = 150;

    public static TheoryData<int> Levels => [1, 2, 3, 4, 5, 6];

    [Theory]
    [MemberData(nameof(Levels))]
    public void An_agent_that_reads_and_follows_the_chain_is_right_on_every_level(int level)
    {
        var options = SearchWorldOptions.OfLevel(level);
        var environment = new SearchEnvironment(options);
        var source = new QuestionSource(new SearchWorld(options.Seed, options.FactsPerPassage, options.Wordings), options.Seed, options.Wordings);
        var wrong = new List<string>();
        for (var i = 0; i < Questions; i++)
        {
            var problem = environment.GetProblem(Split.HeldOut, i);
            using var episode = environment.Start(problem);
            var question = source.Get(Split.HeldOut, i, options.HeldOutMix);
            var at = EntityNames.Text(question.Entity);
            for (var hop = 0; hop < question.Relations.Length; hop++)
            {
                var (relation, wording) = (Relation.All[question.Relations[hop]], question.Wordings[hop]);
                var reply = Search(episode, $"{at} {relation.Wording(wording)}");
                if (reply == SearchTool.NothingFound)
                    reply = Search(episode, $"{at} {relation.Wording(wording = 1 - wording)}");
                at = Read(reply, at, relation.Wording(wording), options.FactsPerPassage);
            }

            if (episode.Step($"<answer> {at} </answer>", default) != new StepResult.Finished(Outcome.Correct, 1))
                wrong.Add(problem.Prompt);
        }

        wrong.ShouldBeEmpty();
    }

    [Fact]
    public void Level_2_shows_three_facts_that_were_not_asked_for() =>
        Replies(2).ShouldAllBe(reply => reply.Split(' ').Length == 1 + 2 + (4 * 3) + 1);

    [Fact]
    public void Level_3_words_its_questions_in_six_ways()
    {
        var environment = new SearchEnvironment(SearchWorldOptions.OfLevel(3));
        var shapes = Enumerable.Range(0, 300).Select(i => environment.GetProblem(Split.HeldOut, i))
            .Where(problem => problem.Category == "3 look-ups")
            .Select(problem => string.Join(' ', problem.Prompt.Split(' ').Select(word =>
                NameWords.First.Contains(word) || NameWords.Second.Contains(word) ? "N" : Relation.All.Any(known => known.Word == word) ? "R" : word)))
            .Distinct().ToArray();
        shapes.Length.ShouldBe(6);
        shapes.ShouldContain("<s> <question> what is the R of the R of the R of N N ? </question>");
        shapes.ShouldContain("<s> <question> look up the R of N N , follow the R , follow the R . </question>");
    }

    [Fact]
    public void Level_3_names_relations_so_that_the_chain_can_be_told()
    {
        var question = new ChainQuestion(0, [0, 4], [0, 0], 5, 0);
        for (var shape = 0UL; shape < 64; shape++)
        {
            var text = QuestionText.Varied(question with { Shape = shape << 58 });
            var nested = text.Contains("origin of the keeper of Adrel Solberg", StringComparison.Ordinal);
            var inOrder = text.IndexOf("keeper", StringComparison.Ordinal) < text.IndexOf("origin", StringComparison.Ordinal);
            nested.ShouldBe(!inOrder, text);
        }
    }

    [Fact]
    public void Level_4_also_shows_a_similar_name_in_either_order()
    {
        var replies = Replies(4).Select(reply => reply.Split(' ')).ToArray();
        var first = 0;
        foreach (var words in replies)
        {
            words.Length.ShouldBe(1 + (2 * 8) + 1);
            var (one, other) = (words[1..3], words[9..11]);
            one.ShouldNotBe(other);
            (one.Intersect(words[9..17]).Any() || other.Intersect(words[1..9]).Any()).ShouldBeTrue();
        }

        var environment = new SearchEnvironment(SearchWorldOptions.OfLevel(4));
        for (var i = 0; i < Questions; i++)
        {
            var problem = environment.GetProblem(Split.HeldOut, i);
            using var episode = environment.Start(problem);
            var words = problem.Prompt.Split(' ');
            var reply = Search(episode, string.Join(' ', words[2..5])).Split(' ');
            first += reply[1] == words[2] && reply[2] == words[3] ? 1 : 0;
        }

        first.ShouldBeInRange(Questions / 3, Questions * 2 / 3);
    }

    [Fact]
    public void Level_5_finds_nothing_in_about_half_of_the_first_wordings()
    {
        var misses = Replies(5).Count(reply => reply == SearchTool.NothingFound);
        misses.ShouldBeInRange(Questions / 3, Questions * 2 / 3);
    }

    [Fact]
    public void Level_6_asks_for_up_to_five_look_ups_and_leaves_two_turns_of_slack()
    {
        var environment = new SearchEnvironment(SearchWorldOptions.OfLevel(6));
        Enumerable.Range(0, Questions).Select(i => environment.GetProblem(Split.Train, i).Category).Distinct().Order()
            .ShouldBe(["1 look-up", "2 look-ups", "3 look-ups", "4 look-ups", "5 look-ups"]);
        environment.Format.MaxTurns.ShouldBe(5 + 1 + 2);
    }

    [Theory]
    [InlineData("train_mix", "1/1/1/1", "environment option train_mix: '1/1/1/1' must be 1 to 3 shares such as 20/30/50, not all of them 0")]
    [InlineData("train_mix", "1/-1", "environment option train_mix: '1/-1' must be 1 to 3 shares such as 20/30/50, not all of them 0")]
    [InlineData("held_out_mix", "0/0", "environment option held_out_mix: '0/0' must be 1 to 3 shares such as 20/30/50, not all of them 0")]
    [InlineData("max_turns", "3", "environment option max_turns: questions of 3 look-ups need 4 turns, not 3: raise max_turns or shorten train_mix")]
    [InlineData("similar_names", "true", "environment option similar_names: a reply of one passage has no room for a similar name: set top_k to 2")]
    [InlineData("facts_per_passage", "3", "environment option facts_per_passage: '3' must be 2 or 4 or 8 or 16")]
    [InlineData("reward_malformed", "NaN", "environment option reward_malformed: 'NaN' must be a number from -100 to 100")]
    [InlineData("seed", "-1", "environment option seed: '-1' must be a whole number, 0 or more")]
    [InlineData("similar_names", "yes", "environment option similar_names: 'yes' must be true or false")]
    public void A_wrong_option_is_told_with_what_it_may_be(string key, string value, string message) =>
        Should.Throw<EnvironmentSetupException>(() => new SearchEnvironment(new Dictionary<string, string> { [key] = value }))
            .Message.ShouldBe(message);

    [Fact]
    public void Options_go_on_top_of_a_level()
    {
        var options = SearchWorldOptions.Parse(new Dictionary<string, string>
        {
            ["level"] = "6", ["facts_per_passage"] = "4", ["train_mix"] = "0/0/0/1/1", ["max_turns"] = "9",
        });
        (options.Level, options.Fields, options.FactsPerPassage, options.MaxTurns).ShouldBe((6, 5, 4, 9));
        options.TrainMix.ShouldBe([0, 0, 0, 1, 1]);
        options.HeldOutMix.ShouldBe([10, 15, 20, 25, 30]);
        new SearchEnvironment(options).GetProblem(Split.Train, 0).Category.ShouldBeOneOf("4 look-ups", "5 look-ups");
    }

    // First replies, asked in the question's own wording.
    private static List<string> Replies(int level)
    {
        var options = SearchWorldOptions.OfLevel(level);
        var environment = new SearchEnvironment(options);
        var replies = new List<string>();
        for (var i = 0; i < Questions; i++)
        {
            var problem = environment.GetProblem(Split.HeldOut, i);
            using var episode = environment.Start(problem);
            replies.Add(Search(episode, string.Join(' ', problem.Prompt.Split(' ')[2..5])));
        }

        return replies;
    }

    private static string Search(IEpisode episode, string query) =>
        ((StepResult.Observation)episode.Step($"<search> {query} </search>", default)).Text;

    private static string Read(string reply, string name, string relation, int facts)
    {
        var words = reply.Split(' ')[1..^1];
        foreach (var passage in words.Chunk(2 + (3 * facts)))
        {
            if (string.Join(' ', passage[..2]) != name)
                continue;
            foreach (var fact in passage[2..].Chunk(3))
            {
                if (fact[0] == relation)
                    return $"{fact[1]} {fact[2]}";
            }
        }

        return "not told";
    }
}
