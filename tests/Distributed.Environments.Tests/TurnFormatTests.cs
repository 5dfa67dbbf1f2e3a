namespace Distributed.Environments.Tests;

public class TurnFormatTests
{
    [Theory]
    [InlineData("<search> Mirel Solberg keeper </search>", "Mirel Solberg keeper")]
    [InlineData("<search>x</search>", "x")]
    [InlineData("  <think> where to look </think> <search> a b </search>\n", "a b")]
    [InlineData("<think></think><search>1 < 2</search>", "1 < 2")]
    [InlineData("<search> <b>bold</b> </search>", "<b>bold</b>")]
    public void A_query_is_taken_out_of_its_tags(string turn, string query) =>
        TurnFormat.Parse(turn).ShouldBe(new AgentTurn.Search(query));

    [Theory]
    [InlineData("<answer> Oskan Berg </answer>", "Oskan Berg")]
    [InlineData("<think> done </think>\n\n<answer>Oskan\nBerg</answer>", "Oskan\nBerg")]
    public void An_answer_is_taken_out_of_its_tags(string turn, string answer) =>
        TurnFormat.Parse(turn).ShouldBe(new AgentTurn.Answer(answer));

    [Theory]
    [InlineData("", "the turn is empty")]
    [InlineData("   \n", "the turn is empty")]
    [InlineData("Oskan Berg", "neither <search> nor <answer> where an action begins")]
    [InlineData("so <answer> x </answer>", "neither <search> nor <answer> where an action begins")]
    [InlineData("<SEARCH> x </SEARCH>", "neither <search> nor <answer> where an action begins")]
    [InlineData("<search> x", "<search> is not closed")]
    [InlineData("<search> x </answer>", "<search> is not closed")]
    [InlineData("<search> </search>", "<search> is empty")]
    [InlineData("<answer></answer>", "<answer> is empty")]
    [InlineData("<answer> x </answer> and more", "text after </answer>")]
    [InlineData("<search> x </search> <answer> y </answer>", "text after </search>")]
    [InlineData("<search> x </search> <search> y </search>", "text after </search>")]
    [InlineData("<search> <search> x </search> </search>", "<search> inside <search>")]
    [InlineData("<search> <answer> x </search>", "<answer> inside <search>")]
    [InlineData("<answer> <result> x </result> </answer>", "<result> inside <answer>")]
    [InlineData("<think> a <search> x </search>", "<think> is not closed")]
    [InlineData("<think> a <search> x </search> </think> <answer> y </answer>", "<search> inside <think>")]
    [InlineData("<think> a <think> b </think> <answer> y </answer>", "<think> inside <think>")]
    [InlineData("<think> a </think>", "neither <search> nor <answer> after </think>")]
    [InlineData("<think> a </think> <think> b </think> <answer> y </answer>", "neither <search> nor <answer> where an action begins")]
    [InlineData("</think> <answer> y </answer>", "neither <search> nor <answer> where an action begins")]
    [InlineData("<result> nothing found </result>", "neither <search> nor <answer> where an action begins")]
    public void Anything_else_is_malformed_with_its_reason(string turn, string reason) =>
        TurnFormat.Parse(turn).ShouldBe(new AgentTurn.Malformed(reason));
}
