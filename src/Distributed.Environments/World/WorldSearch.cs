using System.Text;

using Distributed.Environments.Search;
using Distributed.Ports;

namespace Distributed.Environments.World;

/// <summary>A world with a search tool over the passages of each split, built when first asked for.</summary>
public sealed class WorldSearch
{
    // With fewer of its words in a passage a query is about something else: two of three are not enough, three of four are.
    private const double MinimumShare = 0.7;

    private const ulong OrderPurpose = 6;

    private readonly Lazy<SearchTool> train;
    private readonly Lazy<SearchTool> heldOut;

    /// <summary>The world that <paramref name="seed"/> makes, with the options' passages and search.</summary>
    public WorldSearch(SearchWorldOptions options, ulong seed)
    {
        World = new SearchWorld(seed, options.FactsPerPassage, options.Wordings, options.SameKind);
        var tool = new SearchToolOptions(
            options.TopK, MinimumShare, WholeTitle: true, OnePerTitle: options.SimilarNames,
            OrderSeed: options.SimilarNames ? StableHash.Of(seed, OrderPurpose) : null);

        // A title counts more than all values of a passage together: a passage about the name always goes before one that mentions it.
        var ranking = new PassageIndex.Options(TitleWeight: options.FactsPerPassage + 1);
        train = new(() => new SearchTool(PassageIndex.Build(World.Passages(Split.Train), ranking), tool, Write));
        heldOut = new(() => new SearchTool(PassageIndex.Build(World.Passages(Split.HeldOut), ranking), tool, Write));
    }

    /// <summary>The facts.</summary>
    public SearchWorld World { get; }

    /// <summary>The search tool over the passages of a split. The first call for a split builds its index.</summary>
    public SearchTool Tool(Split split) => (split == Split.Train ? train : heldOut).Value;

    private static string Write(IReadOnlyList<Passage> passages)
    {
        if (passages.Count == 1)
            return $" {passages[0].Title} {passages[0].Text} ";
        var text = new StringBuilder(" ");
        foreach (var passage in passages)
            text.Append(passage.Title).Append(' ').Append(passage.Text).Append(' ');
        return text.ToString();
    }
}
