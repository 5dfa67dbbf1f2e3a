using Distributed.Environments.World;
using Distributed.Ports;

namespace Distributed.Environments.Tests;

public class SearchDemonstrationsTests
{
    private static readonly SearchEnvironment Level1 = new(SearchWorldOptions.OfLevel(1));

    private static string Text(Demonstration demonstration) => string.Concat(demonstration.Pieces.Select(piece => piece.Text));

    private static string[] Words(Demonstration demonstration) => Text(demonstration).Split(' ');

    [Fact]
    public void A_look_up_is_searched_and_answered_rightly()
    {
        for (var i = 0; i < 100; i++)
        {
            var words = Words(Level1.GetDemonstration("look-up", i));
            words.Length.ShouldBe(8 + 5 + 10 + 4);
            words[5..7].ShouldBe(["none", "none"]);
            words[8..13].ShouldBe(["<search>", words[2], words[3], words[4], "</search>"]);
            words[14..16].ShouldBe(words[2..4]);
            var value = words[16] == words[4] ? words[17..19] : words[20..22];
            words[23..].ShouldBe(["<answer>", .. value, "</answer>"]);
        }
    }

    [Fact]
    public void What_the_agent_writes_and_the_echoed_name_are_trained()
    {
        var demonstration = Level1.GetDemonstration("look-up", 3);
        var words = Words(demonstration);
        demonstration.Pieces.Where(piece => piece.Trained).Select(piece => piece.Text).ShouldBe(
        [
            $" <search> {words[2]} {words[3]} {words[4]} </search>",
            $" {words[2]} {words[3]}",
            $" <answer> {words[24]} {words[25]} </answer>",
        ]);
        demonstration.Pieces.ShouldAllBe(piece => piece.Text.Length > 0);
    }

    [Fact]
    public void Browsing_logs_have_the_known_statistics()
    {
        const int logs = 2000;
        int asRelations = 0, right = 0, threeRelations = 0, threeRight = 0;
        for (var i = 0; i < logs; i++)
        {
            var words = Words(Level1.GetDemonstration("browsing-log", i));
            var relations = words[4..7].Where(word => word != "none").ToArray();
            var searches = words.Count(word => word == "<search>");
            words.Length.ShouldBe(8 + (searches * 15) + 4);
            searches.ShouldBeInRange(1, 3);
            asRelations += searches == relations.Length ? 1 : 0;

            // Only names seen before are asked for, only the question's relations; the answer is the newest value.
            var seen = new HashSet<string> { $"{words[2]} {words[3]}" };
            var latest = "";
            for (var start = 8; words[start] == "<search>"; start += 15)
            {
                var name = $"{words[start + 1]} {words[start + 2]}";
                seen.ShouldContain(name);
                relations.ShouldContain(words[start + 3]);
                var (first, second) = ($"{words[start + 9]} {words[start + 10]}", $"{words[start + 12]} {words[start + 13]}");
                seen.UnionWith([first, second]);
                latest = words[start + 8] == words[start + 3] ? first : second;
            }

            $"{words[^3]} {words[^2]}".ShouldBe(latest);
            var chain = string.Join(' ', relations) == string.Join(' ', Asked(words)) && searches == relations.Length;
            right += chain ? 1 : 0;
            threeRelations += relations.Length == 3 ? 1 : 0;
            threeRight += relations.Length == 3 && chain ? 1 : 0;
        }

        // 0.7 + 0.3 / 3 of them make as many look-ups as there are relations.
        asRelations.ShouldBeInRange((int)(logs * 0.77), (int)(logs * 0.83));
        threeRelations.ShouldBeInRange((int)(logs * 0.30), (int)(logs * 0.37));
        ((double)threeRight / threeRelations).ShouldBeLessThan(0.08);
    }

    [Fact]
    public void Demonstrations_use_only_train_names()
    {
        var heldOut = new List<string>();
        foreach (var kind in Level1.Kinds)
        {
            for (var i = 0; i < 500; i++)
            {
                var words = Words(Level1.GetDemonstration(kind, i));
                for (var at = 0; at + 1 < words.Length; at++)
                {
                    var (first, second) = (NameWords.First.IndexOf(words[at]), NameWords.Second.IndexOf(words[at + 1]));
                    if (first >= 0 && EntityNames.SplitOf((first * 128) + second) == Split.HeldOut)
                        heldOut.Add(words[at] + " " + words[at + 1]);
                }
            }
        }

        heldOut.ShouldBeEmpty();
    }

    [Fact]
    public void Demonstrations_are_of_another_world_so_that_what_they_say_is_not_true_later()
    {
        var world = new SearchWorld(1);
        var same = 0;
        for (var i = 0; i < 2000; i++)
        {
            var words = Words(Level1.GetDemonstration("look-up", i));
            var entity = (NameWords.First.IndexOf(words[2]) * 128) + NameWords.Second.IndexOf(words[3]);
            var relation = Relation.All.Select(known => known.Word).ToList().IndexOf(words[4]);
            same += EntityNames.Text(world.Fact(entity, relation)) == $"{words[24]} {words[25]}" ? 1 : 0;
        }

        same.ShouldBeLessThan(10);
    }

    [Fact]
    public void The_same_number_gives_the_same_demonstration_and_an_unknown_kind_is_refused()
    {
        var again = new SearchEnvironment(SearchWorldOptions.OfLevel(1));
        Level1.Kinds.ShouldBe(["look-up", "browsing-log"]);
        foreach (var kind in Level1.Kinds)
            Text(again.GetDemonstration(kind, 17)).ShouldBe(Text(Level1.GetDemonstration(kind, 17)));
        Should.Throw<ArgumentException>(() => Level1.GetDemonstration("guess", 0)).Message.ShouldContain("look-up, browsing-log");
    }

    private static IEnumerable<string> Asked(string[] words)
    {
        for (var start = 8; words[start] == "<search>"; start += 15)
            yield return words[start + 3];
    }

    [Fact]
    public void Every_word_is_in_the_vocabulary_on_every_level()
    {
        var vocabulary = SearchEnvironment.Vocabulary.ToHashSet();
        var unknown = new List<string>();
        for (var level = 1; level <= SearchWorldOptions.Levels; level++)
        {
            var environment = new SearchEnvironment(SearchWorldOptions.OfLevel(level));
            for (var i = 0; i < 100; i++)
            {
                var kind = environment.Kinds[i % 2];
                unknown.AddRange(Words(environment.GetDemonstration(kind, i)));
                unknown.AddRange(environment.GetProblem(Split.HeldOut, i).Prompt.Split(' '));
            }

            unknown.RemoveAll(vocabulary.Contains);
        }

        foreach (var text in (string[])[Level1.Format.ToolTimeoutReply, Level1.Format.AnswerPrefix.Trim(), Level1.Format.AnswerSuffix.Trim()])
            unknown.AddRange(text.Split(' ').Where(word => !vocabulary.Contains(word)));
        unknown.ShouldBeEmpty();
    }
}
