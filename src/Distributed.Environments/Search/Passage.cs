namespace Distributed.Environments.Search;

/// <summary>A piece of text that can be found.</summary>
/// <param name="Title">What it is about; its words may weigh more. May be empty.</param>
/// <param name="Text">What it says.</param>
public readonly record struct Passage(string Title, string Text);

/// <summary>A passage that holds words of a query.</summary>
/// <param name="Passage">The passage's number in its index.</param>
/// <param name="Score">BM25 score in units of 1/1024; only the order matters.</param>
/// <param name="WordsFound">Distinct words of the query the passage holds.</param>
/// <param name="WordsAsked">Distinct words of the query.</param>
public readonly record struct PassageHit(int Passage, int Score, int WordsFound, int WordsAsked)
{
    /// <summary>Share of the query's words found, 0 to 1.</summary>
    public double Share => WordsAsked == 0 ? 0 : (double)WordsFound / WordsAsked;
}
