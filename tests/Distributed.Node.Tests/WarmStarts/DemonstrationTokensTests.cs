using Distributed.Engine.Tokenizers;
using Distributed.Environments;
using Distributed.Node.Tests.Evaluation;
using Distributed.Node.WarmStarts;

namespace Distributed.Node.Tests.WarmStarts;

public sealed class DemonstrationTokensTests
{
    [Fact]
    public void Tokens_of_trained_pieces_are_targets_and_no_others()
    {
        var sequence = DemonstrationTokens.Of(new([new("ab", false), new("cd", true), new("e", false), new("f", true)]), new CharacterTokenizer());
        sequence.Tokens.ToArray().ShouldBe(['a', 'b', 'c', 'd', 'e', 'f']);
        sequence.Targets.ToArray().ShouldBe([2, 3, 5]);
    }

    [Fact]
    public void The_first_token_is_never_a_target() =>
        DemonstrationTokens.Of(new([new("ab", true)]), new CharacterTokenizer()).Targets.ToArray().ShouldBe([1]);

    [Fact]
    public void A_demonstration_of_the_search_world_trains_on_what_the_agent_writes_and_on_the_name_a_reply_begins_with()
    {
        using var folder = new TemporaryFolder();
        WordLevelTokenizerFile.Write(folder["tokenizer.json"], SearchEnvironment.Vocabulary, SearchVocabulary.Specials, SearchVocabulary.Unknown);
        var tokenizer = Tokenizer.Load(folder["tokenizer.json"]);
        var world = new SearchEnvironment(new Dictionary<string, string>());
        var sequence = DemonstrationTokens.Of(world.GetDemonstration("look-up", 3), tokenizer);
        var trained = tokenizer.Decode([.. sequence.Targets.ToArray().Select(i => sequence.Tokens.Span[i])]).Split(' ');
        trained[0].ShouldBe("<search>");
        trained[4].ShouldBe("</search>");
        trained[5..7].ShouldBe(trained[1..3], "the reply begins with the name asked for");
        trained[7].ShouldBe("<answer>");
        trained.Length.ShouldBe(11);
    }
}
