using Distributed.Environments.Search;

namespace Distributed.Environments.Tests;

public class WordSplitterTests
{
    [Theory]
    [InlineData("Mirel  Solberg, keeper!", "mirel|solberg|keeper")]
    [InlineData("", "")]
    [InlineData(" -- ", "")]
    [InlineData("x1-y2", "x1|y2")]
    [InlineData("École ÅNGSTRÖM", "école|ångström")]
    [InlineData("e\u0301t\u00e9", "e\u0301té")]
    [InlineData("東京タワー 3", "東|京|タ|ワ|ー|3")]
    [InlineData("abc東", "abc|東")]
    [InlineData("Москва—Пекин", "москва|пекин")]
    [InlineData("a\ud800b", "a|b")]
    [InlineData("𝒜bc", "𝒜bc")]
    public void Text_is_split_into_lower_case_words(string text, string words) => Split(text).ShouldBe(words);

    [Fact]
    public void Endless_words_are_cut() => Split(new string('x', 500)).ShouldBe(new string('x', WordSplitter.LongestWord));

    private static string Split(string text)
    {
        var words = new List<string>();
        var splitter = new WordSplitter(text, new char[WordSplitter.LongestWord]);
        while (splitter.Next() is { Length: > 0 } word)
            words.Add(word.ToString());
        return string.Join('|', words);
    }
}
