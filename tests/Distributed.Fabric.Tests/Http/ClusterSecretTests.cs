using Distributed.Fabric.Http;

namespace Distributed.Fabric.Tests.Http;

/// <summary>Signed requests: good for one path, one secret and a few minutes.</summary>
public sealed class ClusterSecretTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);
    private static readonly ClusterSecret Secret = ClusterSecret.Of("a secret of some length");
    private static readonly string Signed = Secret.Sign("GET", "/weights/3?offset=0", Now);

    [Fact]
    public void A_request_signed_with_the_secret_is_believed() => Secret.Verify(Signed, "GET", "/weights/3?offset=0", Now).ShouldBeTrue();

    [Theory]
    [InlineData("POST", "/weights/3?offset=0")]
    [InlineData("GET", "/weights/3?offset=1")]
    [InlineData("GET", "/weights/4?offset=0")]
    public void A_signature_is_of_no_use_for_another_request(string method, string path) => Secret.Verify(Signed, method, path, Now).ShouldBeFalse();

    [Fact]
    public void Another_secret_is_not_believed() => ClusterSecret.Of("a secret of other length").Verify(Signed, "GET", "/weights/3?offset=0", Now).ShouldBeFalse();

    [Fact]
    public void A_signature_wears_out()
    {
        Secret.Verify(Signed, "GET", "/weights/3?offset=0", Now + TimeSpan.FromMinutes(4)).ShouldBeTrue();
        Secret.Verify(Signed, "GET", "/weights/3?offset=0", Now + TimeSpan.FromMinutes(6)).ShouldBeFalse();
    }

    [Fact]
    public void Nothing_signed_for_ages_ahead_is_believed() => Secret.Verify(Secret.Sign("GET", "/", Now + TimeSpan.FromDays(1)), "GET", "/", Now).ShouldBeFalse();

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Distributed")]
    [InlineData("Bearer 1795262700:00")]
    [InlineData("Distributed :")]
    [InlineData("Distributed 1795262700:")]
    [InlineData("Distributed 1795262700:zz")]
    [InlineData("Distributed -1:00")]
    [InlineData("Distributed 99999999999999999999:00")]
    public void Garbage_is_not_believed(string? header) => Secret.Verify(header, "GET", "/", Now).ShouldBeFalse();

    [Fact]
    public void Every_changed_letter_of_a_signature_is_noticed()
    {
        for (var at = 0; at < Signed.Length; at++)
        {
            var changed = Signed.ToCharArray();
            changed[at] = changed[at] == '1' ? '2' : '1';
            Secret.Verify(new string(changed), "GET", "/weights/3?offset=0", Now).ShouldBeFalse($"letter {at}");
        }

        Secret.Verify(Signed + new string('0', 1000), "GET", "/weights/3?offset=0", Now).ShouldBeFalse();
    }

    [Fact]
    public void A_short_secret_is_refused_with_the_mend() =>
        Should.Throw<ArgumentException>(() => ClusterSecret.Of(" short ")).Message.ShouldContain("openssl rand");

    [Fact]
    public void Blanks_around_a_secret_do_not_count() => ClusterSecret.Of(" a secret of some length\n").Verify(Signed, "GET", "/weights/3?offset=0", Now).ShouldBeTrue();
}
