using Distributed.Environments.World;
using Distributed.Ports;

namespace Distributed.Environments.Tests;

public class SearchWorldTests
{
    [Fact]
    public void All_words_of_the_world_are_distinct_single_words()
    {
        NameWords.First.Length.ShouldBe(128);
        NameWords.Second.Length.ShouldBe(128);
        Relation.All.Length.ShouldBe(16);
        Enum.GetValues<EntityKind>().ShouldAllBe(kind => Relation.All.Count(relation => relation.Values == kind) == 4);
        var words = SearchVocabulary.Words;
        words.Length.ShouldBe(352);
        words.ShouldAllBe(word => word.Length > 0 && !word.Any(char.IsWhiteSpace));
        words.Select(word => word.ToLowerInvariant()).Distinct().Count().ShouldBe(words.Length);
        words.Take(4).ShouldBe(["<pad>", "<s>", "</s>", "<unk>"]);
    }

    [Fact]
    public void A_fifth_of_the_names_is_held_out_in_every_kind()
    {
        var heldOut = EntityNames.Of(Split.HeldOut);
        (heldOut.Length + EntityNames.Of(Split.Train).Length).ShouldBe(EntityNames.Count);
        heldOut.Length.ShouldBeInRange(3100, 3450);
        foreach (var kind in Enum.GetValues<EntityKind>())
            EntityNames.Of(Split.HeldOut, kind).Length.ShouldBeInRange(700, 950);
        heldOut.Select(name => name / 128).Distinct().Count().ShouldBe(128);
        heldOut.Select(name => name % 128).Distinct().Count().ShouldBe(128);
    }

    [Fact]
    public void Facts_stay_in_their_split_and_kind_and_differ_between_seeds()
    {
        var one = new SearchWorld(1);
        var two = new SearchWorld(2);
        var same = 0;
        for (var entity = 0; entity < EntityNames.Count; entity += 13)
        {
            for (var relation = 0; relation < 16; relation++)
            {
                var value = one.Fact(entity, relation);
                EntityNames.SplitOf(value).ShouldBe(EntityNames.SplitOf(entity));
                EntityNames.KindOf(value).ShouldBe(Relation.All[relation].Values);
                value.ShouldNotBe(entity);
                same += value == two.Fact(entity, relation) ? 1 : 0;
            }
        }

        same.ShouldBeLessThan(40);
    }

    [Fact]
    public void An_entitys_passages_hold_each_of_its_facts_once_two_at_a_time()
    {
        var world = new SearchWorld(3);
        var texts = world.PassagesOf(77).ToArray();
        texts.Length.ShouldBe(8);
        texts.ShouldAllBe(passage => passage.Title == EntityNames.Text(77));
        var facts = texts.SelectMany(passage => passage.Text.Split(' ').Chunk(3).Select(fact => string.Join(' ', fact)));
        var expected = Enumerable.Range(0, 16).Select(relation => $"{Relation.All[relation].Word} {EntityNames.Text(world.Fact(77, relation))}");
        facts.ShouldBe(expected, ignoreOrder: true);
        world.PassagesOf(78).Select(passage => passage.Text.Split(' ')[0])
            .ShouldNotBe(texts.Select(passage => passage.Text.Split(' ')[0]));
    }

    [Fact]
    public void Passages_of_one_kind_hide_the_relation_from_the_kind_of_a_value()
    {
        static double Mixed(bool sameKind) => Enumerable.Range(0, 500).SelectMany(new SearchWorld(3, sameKind: sameKind).PassagesOf)
            .Average(passage => passage.Text.Split(' ') is var words && Kind(words[0]) != Kind(words[3]) ? 1.0 : 0.0);
        static EntityKind Kind(string relation) => Relation.All.Single(known => known.Word == relation).Values;
        Mixed(sameKind: true).ShouldBe(0);
        Mixed(sameKind: false).ShouldBe(0.8, 0.02);
    }

    [Fact]
    public void Questions_follow_their_relations_to_the_answer_and_keep_to_the_mix()
    {
        var world = new SearchWorld(4);
        var source = new QuestionSource(world, 4, wordings: 1);
        var lengths = new int[4];
        for (var i = 0; i < 3000; i++)
        {
            var question = source.Get(Split.HeldOut, i, [20, 30, 50]);
            lengths[question.Relations.Length]++;
            question.Relations.Distinct().Count().ShouldBe(question.Relations.Length);
            var path = new List<int> { question.Entity };
            foreach (var relation in question.Relations)
                path.Add(world.Fact(path[^1], relation));
            path[^1].ShouldBe(question.Answer);
            path.Distinct().Count().ShouldBe(path.Count);
            path.ShouldAllBe(name => EntityNames.SplitOf(name) == Split.HeldOut);
        }

        lengths[1].ShouldBeInRange(500, 700);
        lengths[2].ShouldBeInRange(800, 1000);
        lengths[3].ShouldBeInRange(1400, 1600);
    }
}
