using Distributed.Environments.Answers;
using Distributed.Ports;

namespace Distributed.Environments.Tests;

public class AnswerScoreTests
{
    [Theory]
    [InlineData("The Oskan-Berg!", "oskanberg")]
    [InlineData("  a  Theatre  of the\tAbsurd ", "theatre of absurd")]
    [InlineData("A.B.", "ab")]
    [InlineData("the", "")]
    [InlineData("Another theme an", "another theme")]
    [InlineData("$5+<3>", "53")]
    [InlineData("ÉCOLE “x”", "école “x”")]
    [InlineData("l'a b", "la b")]
    public void Answers_are_normalised_as_in_SQuAD(string answer, string normal) =>
        AnswerScore.Normalize(answer).ShouldBe(normal);

    [Fact]
    public void Any_golden_answer_may_match()
    {
        AnswerScore.ExactMatch("oskan  berg.", ["Mirel Guild", "Oskan Berg"]).ShouldBe(1);
        AnswerScore.ExactMatch("Oskan", ["Mirel Guild", "Oskan Berg"]).ShouldBe(0);
        AnswerScore.ExactMatch("Oskan", []).ShouldBe(0);
    }

    [Theory]
    [InlineData("Oskan Berg", 1.0)]
    [InlineData("Oskan", 2.0 / 3)]
    [InlineData("Oskan Oskan Oskan", 0.4)]
    [InlineData("Berg the Oskan", 1.0)]
    [InlineData("Tira Sonata", 0.0)]
    [InlineData("the", 0.0)]
    public void Token_f1_counts_shared_words(string answer, double f1) =>
        AnswerScore.TokenF1(answer, ["Oskan Berg"]).ShouldBe(f1, 1e-12);

    [Fact]
    public void The_best_golden_answer_counts()
    {
        AnswerScore.TokenF1("Oskan Berg", ["Oskan", "Oskan B Berg", "x"]).ShouldBe(0.8, 1e-12);
        AnswerScore.TokenF1("an", ["The"]).ShouldBe(1);
        AnswerScore.TokenF1("x", []).ShouldBe(0);
    }

    [Fact]
    public void Only_a_full_score_is_correct()
    {
        AnswerReward.TokenF1.Judge("Oskan", ["Oskan Berg"]).ShouldBe(new StepResult.Finished(Outcome.Wrong, 2.0 / 3));
        AnswerReward.TokenF1.Judge("berg oskan", ["Oskan Berg"]).ShouldBe(new StepResult.Finished(Outcome.Correct, 1));
        AnswerReward.ExactMatch.Judge("berg oskan", ["Oskan Berg"]).ShouldBe(new StepResult.Finished(Outcome.Wrong, 0));
        AnswerReward.ExactMatch.Judge("the oskan berg", ["Oskan Berg"]).ShouldBe(new StepResult.Finished(Outcome.Correct, 1));
    }
}
