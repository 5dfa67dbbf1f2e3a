using Distributed.Environments.Search;

namespace Distributed.Environments.Tests;

public class PassageIndexTests
{
    private static PassageIndex Index(params string[] texts) => PassageIndex.Build(texts.Select(text => new Passage("", text)));

    private static int[] Search(PassageIndex index, string query, int k)
    {
        var hits = new PassageHit[k];
        return [.. hits.AsSpan(0, index.Search(query, hits)).ToArray().Select(hit => hit.Passage)];
    }

    [Fact]
    public void Rare_words_weigh_more_and_short_passages_go_first()
    {
        var index = Index("red fox", "red hen", "red hen in a very long tale", "blue hen", "red");
        Search(index, "red fox", 5).ShouldBe([0, 4, 1, 2]);
        Search(index, "FOX, hen?", 2).ShouldBe([0, 1]);
    }

    [Fact]
    public void Equal_scores_go_by_number() => Search(Index("b a", "a b", "c", "a b"), "b a", 2).ShouldBe([0, 1]);

    [Fact]
    public void A_query_without_known_words_finds_nothing()
    {
        var index = Index("red fox");
        Search(index, "green ox", 3).ShouldBeEmpty();
        Search(index, " ?! ", 3).ShouldBeEmpty();
        Search(index, "", 3).ShouldBeEmpty();
        Search(Index(), "red", 3).ShouldBeEmpty();
    }

    [Fact]
    public void A_hit_says_how_many_of_the_words_it_holds()
    {
        var hits = new PassageHit[1];
        Index("red fox", "blue hen").Search("red red hen green fox Green", hits).ShouldBe(1);
        (hits[0].Passage, hits[0].WordsFound, hits[0].WordsAsked).ShouldBe((0, 2, 4));
        hits[0].Share.ShouldBe(0.5);
    }

    [Fact]
    public void Title_words_count_as_often_as_told()
    {
        var passages = new[] { new Passage("", "fox and hen and hen"), new Passage("hen", "and fox of and") };
        PassageIndex.Build(passages).Search("hen", new PassageHit[1]).ShouldBe(1);
        Search(PassageIndex.Build(passages), "hen", 1).ShouldBe([0]);
        Search(PassageIndex.Build(passages, new PassageIndex.Options(TitleWeight: 4)), "hen", 1).ShouldBe([1]);
    }

    [Fact]
    public void Too_many_passages_are_refused()
    {
        var passages = Enumerable.Repeat(new Passage("", "x"), 3);
        Should.Throw<EnvironmentSetupException>(() => PassageIndex.Build(passages, new PassageIndex.Options(MostPassages: 2)))
            .Message.ShouldContain("more than 2 passages");
    }

    [Fact]
    public void A_cancelled_search_stops()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Should.Throw<OperationCanceledException>(() => Index("red fox").Search("red", new PassageHit[1], cancelled.Token));
    }

    [Fact]
    public void The_fast_ranking_equals_the_plain_formula()
    {
        var chance = new HashStream(7);
        var vocabulary = Enumerable.Range(0, 40).Select(i => "w" + i).ToArray();
        for (var round = 0; round < 10; round++)
        {
            var texts = new string[300];
            for (var i = 0; i < texts.Length; i++)
            {
                var words = new string[1 + chance.Below(12)];
                for (var j = 0; j < words.Length; j++)
                    words[j] = vocabulary[(int)(chance.Unit() * chance.Unit() * vocabulary.Length)];
                texts[i] = string.Join(' ', words);
            }

            var index = Index(texts);
            for (var query = 0; query < 40; query++)
            {
                var words = new string[1 + chance.Below(5)];
                for (var j = 0; j < words.Length; j++)
                    words[j] = vocabulary[chance.Below(vocabulary.Length)];
                var k = 1 + chance.Below(6);
                var hits = new PassageHit[k];
                var count = index.Search(string.Join(' ', words), hits);
                var expected = PlainRanking(texts, [.. words.Distinct()]).Take(k).ToArray();
                if (!hits.Take(count).Select(hit => (hit.Passage, hit.Score)).SequenceEqual(expected))
                    hits.Take(count).Select(hit => (hit.Passage, hit.Score)).ShouldBe(expected);
            }
        }
    }

    // BM25 as the formula says, in float64, each word's share rounded to 1/1024.
    private static IEnumerable<(int Passage, int Score)> PlainRanking(string[] texts, string[] query)
    {
        var split = texts.Select(text => text.Split(' ')).ToArray();
        var average = split.Average(words => words.Length);
        var with = query.ToDictionary(word => word, word => (double)split.Count(words => words.Contains(word)));
        return Enumerable.Range(0, texts.Length).Select(i => (Passage: i, Score: query.Sum(word =>
        {
            double frequency = split[i].Count(other => other == word);
            if (frequency == 0)
                return 0;
            var idf = Math.Log(1 + ((texts.Length - with[word] + 0.5) / (with[word] + 0.5)));
            var score = idf * frequency * 2.2 / (frequency + (1.2 * (0.25 + (0.75 * split[i].Length / average))));
            return Math.Max(1, (int)Math.Round(score * 1024));
        }))).Where(hit => hit.Score > 0).OrderByDescending(hit => hit.Score).ThenBy(hit => hit.Passage);
    }
}
