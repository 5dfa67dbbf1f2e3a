namespace Distributed.Credit.Tests;

public sealed class KlPenaltyTests
{
    public static TheoryData<string> CaseNames() => [.. Reference.Cases("kl_estimators").Select(c => c.Name())];

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Value_and_gradient_match_the_reference(string name)
    {
        var c = Reference.Cases("kl_estimators").Single(c => c.Name() == name);
        var logProbs = c.Table("logprob").SelectMany(row => row).ToArray();
        var reference = c.Table("ref_logprob").SelectMany(row => row).ToArray();
        foreach (var expected in c.GetProperty("kl").EnumerateObject())
        {
            var estimator = expected.Name switch
            {
                "k1" => KlEstimator.K1,
                "abs" => KlEstimator.Abs,
                "k2" => KlEstimator.K2,
                "k3" => KlEstimator.K3,
                "k1+" => KlEstimator.K1Plus,
                _ => KlEstimator.K3Plus,
            };
            var actual = logProbs.Zip(reference, (p, r) => KlPenalty.Of(estimator, p, r)).ToArray();
            Array.ConvertAll(actual, kl => kl.Value)
                .ShouldMatch(expected.Value.Table("value").SelectMany(row => row).ToArray(), $"{name} {estimator}");
            Array.ConvertAll(actual, kl => kl.Derivative)
                .ShouldMatch(expected.Value.Table("grad_of_sum").SelectMany(row => row).ToArray(), $"{name} {estimator} gradient");
        }
    }
}
