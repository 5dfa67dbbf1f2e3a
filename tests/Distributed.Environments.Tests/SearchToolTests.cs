using Distributed.Environments.Search;

namespace Distributed.Environments.Tests;

public class SearchToolTests
{
    private static readonly Passage[] passages =
    [
        new("Mirel Harbour", "keeper Oskan Berg"), new("Mirel Guild", "keeper Tira Harbour"), new("Mirel Harbour", "origin Elvar Bay"),
    ];

    private static SearchTool Tool(SearchToolOptions options) => new(
        PassageIndex.Build(passages, new PassageIndex.Options(TitleWeight: 3)), options,
        found => " " + string.Join(" | ", found.Select(passage => $"{passage.Title} {passage.Text}")) + " ");

    [Fact]
    public void The_best_passages_are_shown_best_first()
    {
        Tool(new(TopK: 1)).Reply("keeper mirel harbour").ShouldBe("<result> Mirel Harbour keeper Oskan Berg </result>");
        Tool(new(TopK: 2)).Reply("origin mirel harbour").ShouldBe("<result> Mirel Harbour origin Elvar Bay | Mirel Harbour keeper Oskan Berg </result>");
    }

    [Fact]
    public void One_passage_of_a_title_may_be_enough() => Tool(new(TopK: 3, OnePerTitle: true)).Reply("origin mirel harbour")
        .ShouldBe("<result> Mirel Harbour origin Elvar Bay | Mirel Guild keeper Tira Harbour </result>");

    [Theory]
    [InlineData(0.7, false, "xyz keeper harbour", false)]
    [InlineData(0.6, false, "xyz keeper harbour", true)]
    [InlineData(0, true, "keeper harbour", false)]
    [InlineData(0, true, "harbour mirel keeper", true)]
    [InlineData(0, false, "nobody", false)]
    public void Nothing_is_found_where_too_little_of_the_query_or_the_title_matches(double share, bool wholeTitle, string query, bool found) =>
        (Tool(new(MinimumShare: share, WholeTitle: wholeTitle)).Reply(query) != SearchTool.NothingFound).ShouldBe(found);

    [Fact]
    public void A_shuffled_order_depends_on_the_query_alone()
    {
        var replies = Enumerable.Range(0, 40).Select(i => $"mirel harbour {new string('x', i)}").ToArray();
        var one = replies.Select(query => Tool(new(TopK: 2, OrderSeed: 5)).Reply(query)).ToArray();
        var other = replies.Reverse().Select(query => Tool(new(TopK: 2, OrderSeed: 5)).Reply(query)).Reverse().ToArray();
        one.ShouldBe(other);
        one.Distinct().Count().ShouldBe(2);
    }

    [Fact]
    public void A_remembered_reply_is_the_reply()
    {
        var tool = Tool(new(TopK: 1));
        var queries = Enumerable.Range(0, 10_000).Select(i => $"mirel {(i % 3 == 0 ? "guild" : "harbour")} q{i}").ToArray();
        var first = queries.Select(query => tool.Reply(query)).ToArray();
        queries.Select(query => tool.Reply(query)).SequenceEqual(first).ShouldBeTrue();
        queries.Select(query => Tool(new(TopK: 1)).Reply(query)).Take(50).ShouldBe(first.Take(50));
    }

    [Fact]
    public void A_reply_has_room_for_1_to_64_passages() =>
        Should.Throw<EnvironmentSetupException>(() => Tool(new(TopK: 65))).Message.ShouldBe("top_k: must be 1 to 64, not 65");
}
